from django.urls import URLPattern, path

from tenants.organisation import views as organisation
from tenants.rest import views

urlpatterns: list[URLPattern] = [
    path("identity", views.IdentityView.as_view(), name="identity"),
    path("tenants", views.TenantList.as_view(), name="tenant-list"),
    path("members", views.MemberList.as_view(), name="member-list"),
    path("organisation/tree", organisation.TreeView.as_view(), name="organisation-tree"),
    path("companies", organisation.CompanyList.as_view(), name="company-list"),
    path("companies/<uuid:company_id>", organisation.CompanyDetail.as_view(), name="company-detail"),
    path("sites", organisation.SiteList.as_view(), name="site-list"),
    path("sites/<uuid:site_id>", organisation.SiteDetail.as_view(), name="site-detail"),
    path("processes", organisation.ProcessList.as_view(), name="process-list"),
    path("processes/<uuid:process_id>", organisation.ProcessDetail.as_view(), name="process-detail"),
    path("equipment", organisation.EquipmentList.as_view(), name="equipment-list"),
    path("equipment/<uuid:equipment_id>", organisation.EquipmentDetail.as_view(), name="equipment-detail"),
    path("agreements", views.AgreementList.as_view(), name="agreement-list"),
    path("agreements/<uuid:agreement_id>", views.AgreementDetail.as_view(), name="agreement-detail"),
    *[
        path(
            f"agreements/<uuid:agreement_id>/{move}",
            views.AgreementMove.as_view(move=move),
            name=f"agreement-{move}",
        )
        for move in views.AgreementMove.moves
    ],
    path("agreements/<uuid:agreement_id>/end", views.AgreementEnd.as_view(), name="agreement-end"),
    path("api-keys", views.ApiKeyList.as_view(), name="api-key-list"),
    path("api-keys/<uuid:key_id>/revoke", views.ApiKeyRevoke.as_view(), name="api-key-revoke"),
]
