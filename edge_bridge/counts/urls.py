from django.urls import URLPattern, path

from edge_bridge.counts import views

urlpatterns: list[URLPattern] = [
    path("devices/<uuid:device_id>/balance", views.DeviceBalance.as_view(), name="device-balance"),
    path("devices/<uuid:device_id>/balance.csv", views.DeviceBalanceCsv.as_view(), name="device-balance-csv"),
]
