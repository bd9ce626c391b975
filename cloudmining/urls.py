"""Every address of the cloud."""

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from cloudmining import health
from cloudmining.console.feed_reference import AsyncApi, FeedReference
from cloudmining.description import DescriptionView
from tenants.admin_sites import platform_site, tenant_site

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/schema", DescriptionView.as_view(), name="schema"),
    path("api/v1/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1/reference", SpectacularRedocView.as_view(url_name="schema"), name="api-reference"),
    path("api/v1/asyncapi.json", AsyncApi.as_view(), name="asyncapi"),
    path("api/v1/feed/reference", FeedReference.as_view(), name="feed-reference"),
    path("api/v1/", include("tenants.rest.urls")),
    path("api/v1/", include("tenants.rest.feed_urls")),
    path("api/v1/", include("edge_bridge.rest.urls")),
    path("api/v1/", include("optimization.rest.urls")),
    path("api/v1/", include("marketplace.rest.urls")),
    path("administration/", tenant_site.urls),
    path("platform/", platform_site.urls),
    path("", include("cloudmining.console.urls")),
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
]

handler403 = "cloudmining.console.pages.forbidden"
handler404 = "cloudmining.console.pages.not_found"
handler500 = "cloudmining.console.pages.server_error"
