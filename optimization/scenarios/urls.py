from django.urls import URLPattern, path

from optimization.scenarios import views

VERSIONS = "scenarios/<uuid:scenario_id>/versions"

urlpatterns: list[URLPattern] = [
    path("scenarios", views.ScenarioList.as_view(), name="scenario-list"),
    path("scenarios/compare", views.ScenarioCompare.as_view(), name="scenario-compare"),
    path("scenarios/variations-schema", views.VariationsSchema.as_view(), name="scenario-variations-schema"),
    path("scenarios/<uuid:scenario_id>", views.ScenarioDetail.as_view(), name="scenario-detail"),
    path("scenarios/<uuid:scenario_id>/archive", views.ScenarioArchive.as_view(), name="scenario-archive"),
    path(VERSIONS, views.VersionList.as_view(), name="scenario-version-list"),
    path(f"{VERSIONS}/<int:number>", views.VersionDetail.as_view(), name="scenario-version-detail"),
    path(f"{VERSIONS}/<int:number>/instance", views.VersionInstance.as_view(), name="scenario-version-instance"),
    path(f"{VERSIONS}/<int:number>/solve", views.VersionSolve.as_view(), name="scenario-version-solve"),
    path("plans/<uuid:plan_id>/decision", views.PlanDecisionView.as_view(), name="plan-decision"),
    path("plans/<uuid:plan_id>/approve", views.PlanApprove.as_view(), name="plan-approve"),
    path("plans/<uuid:plan_id>/reject", views.PlanReject.as_view(), name="plan-reject"),
    path("plans/<uuid:plan_id>/release", views.PlanReleaseView.as_view(), name="plan-release"),
    path("releases", views.ReleaseList.as_view(), name="release-list"),
    path("releases/<uuid:release_id>", views.ReleaseDetail.as_view(), name="release-detail"),
    path("releases/<uuid:release_id>/document", views.ReleaseDocument.as_view(), name="release-document"),
    path("releases/<uuid:release_id>/verify", views.ReleaseVerify.as_view(), name="release-verify"),
]
