from django.urls import URLPattern, path

from marketplace.rest import (
    bid_urls,
    contract_urls,
    crew_views,
    desk_views,
    profile_views,
    reaction_views,
    session_urls,
    views,
    watch_views,
)

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
    path("service-tasks/<uuid:task_id>/reject", views.Reject.as_view(), name="service-task-reject"),
    path("service-tasks/<uuid:task_id>/extend", views.Extend.as_view(), name="service-task-extend"),
    path("service-tasks/<uuid:task_id>/release", views.Release.as_view(), name="service-task-release"),
    path("reactions", reaction_views.ReactionList.as_view(), name="reaction-list"),
    path("reaction-switches", reaction_views.SwitchList.as_view(), name="reaction-switch-list"),
    path("service-tasks/<uuid:task_id>/acceptance", watch_views.TaskStanding.as_view(), name="service-task-acceptance"),
    path("service-tasks/ocds", desk_views.OcdsReleases.as_view(), name="service-task-releases"),
    path("service-tasks/<uuid:task_id>/ocds", desk_views.OcdsRelease.as_view(), name="service-task-ocds"),
    path(
        "service-tasks/<uuid:task_id>/attachments",
        desk_views.AttachmentList.as_view(),
        name="service-task-attachment-list",
    ),
    path(
        "service-tasks/<uuid:task_id>/attachments/<uuid:attachment_id>",
        desk_views.AttachmentDetail.as_view(),
        name="service-task-attachment-detail",
    ),
    path(
        "service-tasks/<uuid:task_id>/questions", desk_views.QuestionList.as_view(), name="service-task-question-list"
    ),
    path(
        "service-tasks/<uuid:task_id>/questions/<uuid:question_id>/answer",
        desk_views.AnswerQuestion.as_view(),
        name="service-task-question-answer",
    ),
    *contract_urls.urlpatterns,
    *session_urls.urlpatterns,
    path("service-tasks/<uuid:task_id>/needs", profile_views.TaskNeeds.as_view(), name="service-task-needs"),
    path("service-tasks/<uuid:task_id>/matches", profile_views.FirmMatches.as_view(), name="service-task-matches"),
    path("service-tasks/<uuid:task_id>/people", crew_views.TaskPeople.as_view(), name="service-task-people"),
    path("assignments/<uuid:assignment_id>/release", crew_views.ReleasePerson.as_view(), name="assignment-release"),
    path("task-matches", profile_views.TaskMatches.as_view(), name="task-match-list"),
    path("profile", profile_views.OwnProfile.as_view(), name="own-profile"),
    path("profiles", profile_views.ProfileList.as_view(), name="profile-list"),
    path("profiles/<uuid:profile_id>", profile_views.ProfileDetail.as_view(), name="profile-detail"),
    path("experts", profile_views.ExpertList.as_view(), name="expert-list"),
    path("experts/<uuid:expert_id>", profile_views.ExpertDetail.as_view(), name="expert-detail"),
    *bid_urls.urlpatterns,
]
