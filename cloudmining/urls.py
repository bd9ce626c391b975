from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("tenants.rest.urls")),
]

handler404 = "tenants.rest.problems.not_found"
handler500 = "tenants.rest.problems.server_error"
