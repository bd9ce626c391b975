"""What the API takes and answers (OpenAPI 3); the same for everybody."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

YAML, JSON = (OpenApiYamlRenderer, OpenApiYamlRenderer2), (OpenApiJsonRenderer, OpenApiJsonRenderer2)
RENDERERS: dict[str, type[BaseRenderer]] = {each.media_type: each for each in YAML + JSON}


class DescriptionView(SpectacularAPIView):
    """As YAML or JSON, whichever is asked for."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        media_type = str(request.accepted_renderer.media_type)
        return HttpResponse(_written(media_type), content_type=media_type)


@cache  # seconds of computing, and anybody may ask
def _written(media_type: str) -> bytes:
    said = SchemaGenerator().get_schema(request=None, public=True)
    return bytes(RENDERERS[media_type]().render(said, renderer_context={}))
