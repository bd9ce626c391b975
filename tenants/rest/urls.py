from django.urls import URLPattern, path

from tenants.rest import views

urlpatterns: list[URLPattern] = [
    path("identity", views.IdentityView.as_view(), name="identity"),
    path("tenants", views.TenantList.as_view(), name="tenant-list"),
    path("members", views.MemberList.as_view(), name="member-list"),
    path("sites", views.SiteList.as_view(), name="site-list"),
    path("sites/<uuid:site_id>", views.SiteDetail.as_view(), name="site-detail"),
    path("equipment", views.EquipmentList.as_view(), name="equipment-list"),
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
