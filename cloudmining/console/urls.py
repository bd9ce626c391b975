from django.urls import path

from cloudmining.console import accounts, views

urlpatterns = [
    path("", views.Console.as_view(), name="console"),
    path("login", accounts.Login.as_view(), name="login"),
    path("logout", accounts.Logout.as_view(), name="logout"),
    path("organisation", accounts.ChooseOrganisation.as_view(), name="choose-organisation"),
    path("panels/<slug:name>", views.OnePanel.as_view(), name="panel"),
    path("alarms/<uuid:alarm_id>/acknowledge", views.AcknowledgeAlarm.as_view(), name="console-acknowledge-alarm"),
    path("plans/<uuid:plan_id>/cancel", views.CancelPlan.as_view(), name="console-cancel-plan"),
    path("tasks/new", views.PostTask.as_view(), name="console-post-task"),
    path("tasks/<uuid:task_id>/<slug:step>", views.TaskStep.as_view(), name="console-task-step"),
]
