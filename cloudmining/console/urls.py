from django.urls import path

from cloudmining.console import (
    account_urls,
    accounts,
    grade_pages,
    joining,
    plan_pages,
    scenario_pages,
    study_pages,
    views,
)
from cloudmining.console.base import guarded

urlpatterns = [
    path("", views.Console.as_view(), name="console"),
    *account_urls.urlpatterns,
    path("invitations/<str:token>", guarded(joining.AcceptInvitation.as_view()), name="accept-invitation"),
    path("organisation", accounts.ChooseOrganisation.as_view(), name="choose-organisation"),
    path("panels/<slug:name>", views.OnePanel.as_view(), name="panel"),
    path("alarms/<uuid:alarm_id>/acknowledge", views.AcknowledgeAlarm.as_view(), name="console-acknowledge-alarm"),
    path("plans/<uuid:plan_id>/cancel", views.CancelPlan.as_view(), name="console-cancel-plan"),
    path("plans", plan_pages.PlanList.as_view(), name="console-plans"),
    path("plans/rows", plan_pages.PlanRows.as_view(), name="console-plan-rows"),
    path("plans/<uuid:plan_id>", plan_pages.PlanPage.as_view(), name="console-plan"),
    path("plans/<uuid:plan_id>/body", plan_pages.PlanBody.as_view(), name="console-plan-body"),
    path("plans/<uuid:plan_id>/steps/<slug:step>", plan_pages.PlanStep.as_view(), name="console-plan-step"),
    path("plans/<uuid:plan_id>/charts/<slug:name>", plan_pages.PlanFigure.as_view(), name="console-plan-figure"),
    path("plans/<uuid:plan_id>/charts/<slug:name>.csv", plan_pages.PlanFigureCsv.as_view(), name="console-plan-csv"),
    path("scenarios", scenario_pages.ScenarioList.as_view(), name="console-scenarios"),
    path("scenarios/rows", scenario_pages.ScenarioRows.as_view(), name="console-scenario-rows"),
    path("scenarios/compare", scenario_pages.Compare.as_view(), name="console-compare"),
    path("scenarios/compare/bridge", scenario_pages.Bridge.as_view(), name="console-bridge"),
    path("scenarios/compare/bridge.csv", scenario_pages.BridgeCsv.as_view(), name="console-bridge-csv"),
    path("grades", grade_pages.GradeList.as_view(), name="console-grades"),
    path("grades/rows", grade_pages.GradeRows.as_view(), name="console-grade-rows"),
    path("grades/<uuid:set_id>", grade_pages.GradePage.as_view(), name="console-grade-set"),
    path("grades/<uuid:set_id>/charts/<slug:name>", grade_pages.GradeFigure.as_view(), name="console-grade-figure"),
    path("grades/<uuid:set_id>/charts/<slug:name>.csv", grade_pages.GradeFigureCsv.as_view(), name="console-grade-csv"),
    path("experiments", study_pages.StudyList.as_view(), name="console-studies"),
    path("experiments/rows", study_pages.StudyRows.as_view(), name="console-study-rows"),
    path("experiments/<uuid:study_id>", study_pages.StudyPage.as_view(), name="console-study"),
    path("experiments/<uuid:study_id>/body", study_pages.StudyBody.as_view(), name="console-study-body"),
    path("experiments/<uuid:study_id>/cancel", study_pages.CancelStudy.as_view(), name="console-study-cancel"),
    path(
        "experiments/<uuid:study_id>/charts/<slug:name>", study_pages.StudyFigure.as_view(), name="console-study-figure"
    ),
    path(
        "experiments/<uuid:study_id>/charts/<slug:name>.csv",
        study_pages.StudyFigureCsv.as_view(),
        name="console-study-csv",
    ),
    path("tasks/new", views.PostTask.as_view(), name="console-post-task"),
    path("tasks/<uuid:task_id>/<slug:step>", views.TaskStep.as_view(), name="console-task-step"),
]
