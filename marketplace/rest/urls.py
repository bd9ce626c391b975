from django.urls import URLPattern, path

from marketplace.rest import reaction_views, views

urlpatterns: list[URLPattern] = [
    path("service-tasks", views.TaskList.as_view(), name="service-task-list"),
    path("service-tasks/<uuid:task_id>", views.TaskDetail.as_view(), name="service-task-detail"),
    *[
        path(f"service-tasks/<uuid:task_id>/{move}", views.OwnerMove.as_view(move=move), name=f"service-task-{move}")
        for move in views.OwnerMove.moves
    ],
    path("service-tasks/<uuid:task_id>/claim", views.ClaimTask.as_view(), name="service-task-claim"),
    path("service-tasks/<uuid:task_id>/submit", views.Submit.as_view(), name="service-task-submit"),
    path("service-tasks/<uuid:task_id>/rework", views.Rework.as_view(), name="service-task-rework"),
    path("service-tasks/<uuid:task_id>/release", views.Release.as_view(), name="service-task-release"),
    path("reactions", reaction_views.ReactionList.as_view(), name="reaction-list"),
    path("reaction-switches", reaction_views.SwitchList.as_view(), name="reaction-switch-list"),
]
