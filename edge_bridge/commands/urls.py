from django.urls import URLPattern, path

from edge_bridge.commands import views

urlpatterns: list[URLPattern] = [
    path("commands", views.CommandList.as_view(), name="command-list"),
    path("commands/<uuid:command_id>", views.CommandDetail.as_view(), name="command-detail"),
    path("commands/<uuid:command_id>/approve", views.CommandApprove.as_view(), name="command-approve"),
    path("commands/<uuid:command_id>/reject", views.CommandReject.as_view(), name="command-reject"),
    path("commands/<uuid:command_id>/withdraw", views.CommandWithdraw.as_view(), name="command-withdraw"),
    path("command-types", views.CommandTypeList.as_view(), name="command-type-list"),
    path("command-types/<uuid:command_type_id>/retire", views.CommandTypeRetire.as_view(), name="command-type-retire"),
    path(
        "equipment/<uuid:equipment_id>/command-types",
        views.MachineCommandTypeList.as_view(),
        name="equipment-command-type-list",
    ),
]
