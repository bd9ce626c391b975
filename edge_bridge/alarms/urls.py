from django.urls import URLPattern, path

from edge_bridge.alarms import views

urlpatterns: list[URLPattern] = [
    path("alarms", views.AlarmList.as_view(), name="alarm-list"),
    path("alarms.csv", views.AlarmFile.as_view(), name="alarm-file"),
    path("alarms/<uuid:alarm_id>", views.AlarmDetail.as_view(), name="alarm-detail"),
    path("alarms/<uuid:alarm_id>/acknowledge", views.AlarmAcknowledge.as_view(), name="alarm-acknowledge"),
    path("alarms/<uuid:alarm_id>/shelve", views.AlarmShelve.as_view(), name="alarm-shelve"),
    path("alarms/<uuid:alarm_id>/out-of-service", views.AlarmOutOfService.as_view(), name="alarm-out-of-service"),
    path("alarms/<uuid:alarm_id>/return", views.AlarmReturn.as_view(), name="alarm-return"),
    path("alarms/<uuid:alarm_id>/assign", views.AlarmAssign.as_view(), name="alarm-assign"),
    path("alarms/<uuid:alarm_id>/comment", views.AlarmComment.as_view(), name="alarm-comment"),
    path("alarms/<uuid:alarm_id>/clear", views.AlarmClear.as_view(), name="alarm-clear"),
    path("set-aside-alarms", views.SetAsideList.as_view(), name="set-aside-alarm-list"),
    path(
        "set-aside-alarms/<uuid:set_aside_id>/dismiss",
        views.SetAsideDismiss.as_view(),
        name="set-aside-alarm-dismiss",
    ),
    path("alarm-suppressions", views.SuppressionRuleList.as_view(), name="alarm-suppression-list"),
    path(
        "alarm-suppressions/<uuid:suppression_rule_id>/end",
        views.SuppressionRuleEnd.as_view(),
        name="alarm-suppression-end",
    ),
    path("alarm-escalations", views.EscalationList.as_view(), name="alarm-escalation-list"),
    path("alarm-health", views.AlarmHealth.as_view(), name="alarm-health"),
    path("alarm-health.csv", views.AlarmHealthCsv.as_view(), name="alarm-health-csv"),
]
