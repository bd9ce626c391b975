from django.urls import URLPattern, path

from edge_bridge.watching import views

urlpatterns: list[URLPattern] = [
    path("fleet-health", views.Fleet.as_view(), name="fleet-health"),
    path("oversight", views.Oversight.as_view(), name="oversight"),
    path("oversight/gaps", views.OversightGaps.as_view(), name="oversight-gaps"),
]
