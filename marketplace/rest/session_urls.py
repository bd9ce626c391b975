from django.urls import URLPattern, path

from marketplace.rest import session_views as views

STEPS = {
    "confirm": views.ConfirmSession,
    "cancel": views.CancelSession,
    "start": views.StartSession,
    "stop": views.StopSession,
    "notes": views.LogNote,
    "correct": views.CorrectMinutes,
    "object": views.ObjectToMinutes,
    "accept": views.AcceptMinutes,
}
urlpatterns: list[URLPattern] = [
    path("remote-sessions", views.SessionList.as_view(), name="remote-session-list"),
    path("remote-sessions/<uuid:remote_session_id>", views.SessionDetail.as_view(), name="remote-session-detail"),
    *[
        path(f"remote-sessions/<uuid:remote_session_id>/{step}", view.as_view(), name=f"remote-session-{step}")
        for step, view in STEPS.items()
    ],
    path("session-notes/<uuid:note_id>/reverse", views.ReverseNote.as_view(), name="session-note-reverse"),
    path("contracts/<uuid:contract_id>/sessions", views.ContractSessions.as_view(), name="contract-session-list"),
]
