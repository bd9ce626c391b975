from django.urls import URLPattern, path

from tenants.agreements import views as agreements
from tenants.ledger import views as ledger
from tenants.metering import views as metering
from tenants.organisation import lifecycle_views as lifecycle
from tenants.organisation import views as organisation
from tenants.people import session_views as sessions
from tenants.people import views as people
from tenants.reads import views as reads
from tenants.resources.urls import urlpatterns as resources
from tenants.rest import views
from tenants.sharing import views as sharing

urlpatterns: list[URLPattern] = [
    path("identity", views.IdentityView.as_view(), name="identity"),
    path("tenants", views.TenantList.as_view(), name="tenant-list"),
    path("sessions", sessions.SessionList.as_view(), name="session-list"),
    path("sessions/<int:session_id>", sessions.SessionDetail.as_view(), name="session-detail"),
    path("roles", people.RoleList.as_view(), name="role-list"),
    path("members", people.MemberList.as_view(), name="member-list"),
    path("members/<uuid:membership_id>/roles", people.MemberRoles.as_view(), name="member-roles"),
    path("members/<uuid:membership_id>/remove", people.MemberRemove.as_view(), name="member-remove"),
    path("invitations", people.InvitationList.as_view(), name="invitation-list"),
    path("invitations/<uuid:invitation_id>/revoke", people.InvitationRevoke.as_view(), name="invitation-revoke"),
    path("service-accounts", people.ServiceAccountList.as_view(), name="service-account-list"),
    path(
        "service-accounts/<uuid:account_id>/retire",
        people.ServiceAccountRetire.as_view(),
        name="service-account-retire",
    ),
    path("organisation/tree", organisation.TreeView.as_view(), name="organisation-tree"),
    path("organisation/closure", lifecycle.ClosureView.as_view(), name="closure-detail"),
    path("exports", lifecycle.ExportList.as_view(), name="export-list"),
    path("exports/<uuid:export_id>", lifecycle.ExportDetail.as_view(), name="export-detail"),
    path("exports/<uuid:export_id>/cancel", lifecycle.ExportCancel.as_view(), name="export-cancel"),
    path("exports/<uuid:export_id>/archive", lifecycle.ExportArchive.as_view(), name="export-archive"),
    path("companies", organisation.CompanyList.as_view(), name="company-list"),
    path("companies/<uuid:company_id>", organisation.CompanyDetail.as_view(), name="company-detail"),
    path("sites", organisation.SiteList.as_view(), name="site-list"),
    path("sites/<uuid:site_id>", organisation.SiteDetail.as_view(), name="site-detail"),
    path("processes", organisation.ProcessList.as_view(), name="process-list"),
    path("processes/<uuid:process_id>", organisation.ProcessDetail.as_view(), name="process-detail"),
    path("equipment", organisation.EquipmentList.as_view(), name="equipment-list"),
    path("equipment/<uuid:equipment_id>", organisation.EquipmentDetail.as_view(), name="equipment-detail"),
    path("agreements", agreements.AgreementList.as_view(), name="agreement-list"),
    path("agreements/preview", agreements.DraftPreview.as_view(), name="agreement-draft-preview"),
    path("agreements/<uuid:agreement_id>", agreements.AgreementDetail.as_view(), name="agreement-detail"),
    path(
        "agreements/<uuid:agreement_id>/versions",
        agreements.AgreementVersionList.as_view(),
        name="agreement-version-list",
    ),
    path("agreements/<uuid:agreement_id>/preview", agreements.AgreementPreview.as_view(), name="agreement-preview"),
    *[
        path(
            f"agreements/<uuid:agreement_id>/{step}",
            agreements.AgreementStep.as_view(step=step),
            name=f"agreement-{step}",
        )
        for step in agreements.AgreementStep.steps
    ],
    path("agreements/<uuid:agreement_id>/accept", agreements.AgreementAccept.as_view(), name="agreement-accept"),
    path("agreements/<uuid:agreement_id>/sign", agreements.AgreementSign.as_view(), name="agreement-sign"),
    path(
        "agreements/<uuid:agreement_id>/terminate", agreements.AgreementTerminate.as_view(), name="agreement-terminate"
    ),
    path(
        "agreements/<uuid:agreement_id>/delegation",
        sharing.DelegationDetail.as_view(),
        name="agreement-delegation",
    ),
    path("access/explain", sharing.ExplainView.as_view(), name="access-explain"),
    path("access/matrix", sharing.MatrixList.as_view(), name="access-matrix"),
    path("access/matrix.csv", sharing.MatrixCsv.as_view(), name="access-matrix-csv"),
    path("shared-reads", reads.SharedReadList.as_view(), name="shared-read-list"),
    path("shared-reads.csv", reads.SharedReadFile.as_view(), name="shared-read-file"),
    path("ledger", ledger.LedgerEntryList.as_view(), name="ledger-entry-list"),
    path("ledger/verify", ledger.LedgerVerify.as_view(), name="ledger-verify"),
    path("ledger/bundle", ledger.LedgerBundle.as_view(), name="ledger-bundle"),
    path("ledger/bundles/<uuid:subject_id>", ledger.LedgerSubjectBundle.as_view(), name="ledger-subject-bundle"),
    path("ledger/<uuid:entry_id>", ledger.LedgerEntryDetail.as_view(), name="ledger-entry-detail"),
    path("api-keys", people.ApiKeyList.as_view(), name="api-key-list"),
    path("api-keys/<uuid:key_id>/rotate", people.ApiKeyRotate.as_view(), name="api-key-rotate"),
    path("api-keys/<uuid:key_id>/revoke", people.ApiKeyRevoke.as_view(), name="api-key-revoke"),
    path("usage-events", metering.UsageEventList.as_view(), name="usage-event-list"),
    path("usage-hours", metering.UsageHourList.as_view(), name="usage-hour-list"),
    path("statements", metering.StatementList.as_view(), name="statement-list"),
    path("statements/<str:month>", metering.StatementDetail.as_view(), name="statement-detail"),
    path("statements/<str:month>/csv", metering.StatementCsv.as_view(), name="statement-csv"),
    path("rate-plan", metering.RatePlanView.as_view(), name="rate-plan"),
    path("budget", metering.BudgetView.as_view(), name="budget"),
    path("agreements/<uuid:agreement_id>/usage", metering.AgreementUsageView.as_view(), name="agreement-usage"),
    *resources,
]
