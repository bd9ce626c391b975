from django.urls import URLPattern, path

from marketplace.rest import contract_views as views
from marketplace.rest import mediation_views as mediating

urlpatterns: list[URLPattern] = [
    path("contracts", views.ContractList.as_view(), name="contract-list"),
    path("contracts/<uuid:contract_id>", views.ContractDetail.as_view(), name="contract-detail"),
    path("contracts/<uuid:contract_id>/terms", views.ContractTerms.as_view(), name="contract-terms"),
    path("contracts/<uuid:contract_id>/invoices", views.InvoiceList.as_view(), name="contract-invoice-list"),
    path("contracts/<uuid:contract_id>/extend", views.ExtendContract.as_view(), name="contract-extend"),
    path("contracts/<uuid:contract_id>/dispute", views.DisputeContract.as_view(), name="contract-dispute"),
    path("contracts/<uuid:contract_id>/dispute/notes", views.NoteDispute.as_view(), name="contract-note"),
    path(
        "contracts/<uuid:contract_id>/dispute/withdraw",
        views.WithdrawDispute.as_view(),
        name="contract-withdraw",
    ),
    path("contracts/<uuid:contract_id>/mediator", mediating.ProposeMediator.as_view(), name="contract-mediator"),
    path(
        "contracts/<uuid:contract_id>/mediator/agree",
        mediating.AgreeToMediator.as_view(),
        name="contract-mediator-agree",
    ),
    path(
        "contracts/<uuid:contract_id>/mediator/decline",
        mediating.DeclineMediator.as_view(),
        name="contract-mediator-decline",
    ),
    path("mediations", mediating.MediationList.as_view(), name="mediation-list"),
    path("mediations/<uuid:mediation_id>", mediating.MediationDetail.as_view(), name="mediation-detail"),
    path("mediations/<uuid:mediation_id>/recommend", mediating.Recommend.as_view(), name="mediation-recommend"),
    path("mediations/<uuid:mediation_id>/step-down", mediating.StepDown.as_view(), name="mediation-step-down"),
    path("contracts/<uuid:contract_id>/terminate", views.TerminateContract.as_view(), name="contract-terminate"),
    path("contracts/<uuid:contract_id>/rating", views.RateContract.as_view(), name="contract-rating"),
    path("contracts/<uuid:contract_id>/journal", views.ContractJournal.as_view(), name="contract-journal"),
    path(
        "contracts/<uuid:contract_id>/statement",
        views.ContractStatementView.as_view(),
        name="contract-statement",
    ),
    path(
        "contracts/<uuid:contract_id>/statement.csv",
        views.ContractStatementCsv.as_view(),
        name="contract-statement-csv",
    ),
    path("milestones/<uuid:milestone_id>/submit", views.SubmitMilestone.as_view(), name="milestone-submit"),
    path("milestones/<uuid:milestone_id>/accept", views.AcceptMilestone.as_view(), name="milestone-accept"),
    path("milestones/<uuid:milestone_id>/rework", views.ReworkMilestone.as_view(), name="milestone-rework"),
    path("milestones/<uuid:milestone_id>/receive", views.ReceiveMilestone.as_view(), name="milestone-receive"),
    path("milestones/<uuid:milestone_id>/pay", views.PayMilestone.as_view(), name="milestone-pay"),
    path("milestones/<uuid:milestone_id>/release", views.ReleaseMilestone.as_view(), name="milestone-release"),
    path("invoices/<uuid:invoice_id>/return", views.ReturnInvoice.as_view(), name="invoice-return"),
]
