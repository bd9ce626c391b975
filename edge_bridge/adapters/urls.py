from django.urls import URLPattern, path

from edge_bridge.adapters.tongues import TONGUES
from edge_bridge.adapters.views import Conformance, Fleet, TongueView

urlpatterns: list[URLPattern] = [
    *(path(f"edge/adapters/{name}", TongueView.as_view(), {"tongue": name}, f"adapter-{name}") for name in TONGUES),
    path("edge/conformance", Conformance.as_view(), name="edge-conformance"),
    path("fleet/iso15143", Fleet.as_view(), name="fleet-iso15143"),
]
