from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("tenants.rest.urls")),
    path("api/v1/", include("edge_bridge.rest.urls")),
    path("api/v1/", include("optimization.rest.urls")),
    path("api/v1/", include("marketplace.rest.urls")),
]

handler404 = "tenants.rest.problems.not_found"
handler500 = "tenants.rest.problems.server_error"
