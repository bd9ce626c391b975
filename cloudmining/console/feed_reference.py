"""What the feed sends and takes, for programs (AsyncAPI) and for people; open to everybody, as the API's schema is."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cloudmining.console.base import Guarded
from tenants.feed.asyncapi import CLIENT, SERVER, document


def _document(request: HttpRequest) -> dict[str, Any]:
    return document(request.get_host(), is_secure=request.is_secure())


class AsyncApi(Guarded):
    """`/api/v1/asyncapi.json`."""

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(_document(request), json_dumps_params={"ensure_ascii": False})


class FeedReference(Guarded):
    """The same as a page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        said = _document(request)
        messages = said["components"]["messages"]
        frames = [
            {"by": by, **messages[frame.t], "fields": list(messages[frame.t]["payload"]["properties"].items())[1:]}
            for by, group in (("server", SERVER), ("you", CLIENT))
            for frame in group
        ]
        context = {"said": said, "frames": frames, "kinds": said["x-event-kinds"].items()}
        return render(request, "console/feed_reference.html", context)
