from django.urls import URLPattern, path

from optimization.joint import views

PLAN = "joint-plans/<uuid:joint_id>"

urlpatterns: list[URLPattern] = [
    path("joint-plans", views.JointPlanList.as_view(), name="joint-plan-list"),
    path(PLAN, views.JointPlanDetail.as_view(), name="joint-plan-detail"),
    path(f"{PLAN}/part", views.JointPartList.as_view(), name="joint-part-list"),
    path(f"{PLAN}/withdraw", views.JointPlanWithdraw.as_view(), name="joint-plan-withdraw"),
    path(f"{PLAN}/solve", views.JointPlanSolve.as_view(), name="joint-plan-solve"),
    path(f"{PLAN}/close", views.JointPlanClose.as_view(), name="joint-plan-close"),
    path("joint-parts/<uuid:part_id>", views.JointPartDetail.as_view(), name="joint-part-detail"),
    path("plan-shares", views.ShareList.as_view(), name="plan-share-list"),
    path("plan-shares/<uuid:share_id>", views.ShareDetail.as_view(), name="plan-share-detail"),
    path("plan-shares/<uuid:share_id>/plan", views.SharePlan.as_view(), name="plan-share-plan"),
]
