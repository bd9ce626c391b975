from django.urls import URLPattern, URLResolver, include, path

from optimization.rest import explanations, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("plans", views.PlanList.as_view(), name="plan-list"),
    path("plans/schema", views.PlanSchema.as_view(), name="plan-schema"),
    path("plans/<uuid:plan_id>", views.PlanDetail.as_view(), name="plan-detail"),
    path("plans/<uuid:plan_id>/instance", views.PlanInstance.as_view(), name="plan-instance"),
    path("plans/<uuid:plan_id>/plan", views.PlanVariables.as_view(), name="plan-variables"),
    path("plans/<uuid:plan_id>/explanation", explanations.PlanExplanation.as_view(), name="plan-explanation"),
    path("plans/<uuid:plan_id>/difference", explanations.PlanDifference.as_view(), name="plan-difference"),
    path("plans/<uuid:plan_id>/cancel", views.PlanCancel.as_view(), name="plan-cancel"),
    path("", include("optimization.exchange.urls")),
    path("", include("optimization.grades.urls")),
    path("", include("optimization.scenarios.urls")),
    path("", include("optimization.joint.urls")),
    path("", include("optimization.studies.urls")),
]
