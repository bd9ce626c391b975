from django.urls import URLPattern, path

from edge_bridge.adapters import urls as adapter_urls
from edge_bridge.alarms import urls as alarm_urls
from edge_bridge.catalogue import urls as catalogue_urls
from edge_bridge.commands import urls as command_urls
from edge_bridge.counts import urls as count_urls
from edge_bridge.ingest.http import BatchView
from edge_bridge.production import urls as production_urls
from edge_bridge.readings import urls as reading_urls
from edge_bridge.rest import views
from edge_bridge.watching import urls as watching_urls

urlpatterns: list[URLPattern] = [
    path("edge/batches", BatchView.as_view(), name="edge-batches"),
    *adapter_urls.urlpatterns,
    *alarm_urls.urlpatterns,
    *command_urls.urlpatterns,
    *production_urls.urlpatterns,
    *catalogue_urls.urlpatterns,
    path("equipment/<uuid:equipment_id>/series", views.SeriesList.as_view(), name="series-list"),
    path("series/<uuid:series_id>/readings", views.ReadingList.as_view(), name="reading-list"),
    path("series/<uuid:series_id>/summary", views.SeriesSummary.as_view(), name="series-summary"),
    *reading_urls.urlpatterns,
    *watching_urls.urlpatterns,
    *count_urls.urlpatterns,
    path("devices", views.DeviceList.as_view(), name="device-list"),
    path("devices/<uuid:device_id>", views.DeviceDetail.as_view(), name="device-detail"),
    path("devices/<uuid:device_id>/revoke", views.DeviceRevoke.as_view(), name="device-revoke"),
]
