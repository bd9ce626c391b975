"""The feed over HTTP: tickets for its websocket, and the same log by plain GET and as server-sent events."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access, actions
from tenants.data import Actor, FieldError, Invalid
from tenants.feed.entry import Entry
from tenants.feed.filters import Filter, asked_filter
from tenants.feed.frames import as_dict
from tenants.feed.log import Stale, head_now, page_now
from tenants.feed.snapshot import state_now
from tenants.feed.stream import awaited_page, event_stream
from tenants.feed.view import View
from tenants.rest.base import ActorView
from tenants.rest.feed_serializers import (
    CRITERIA,
    CursorSerializer,
    FeedSnapshotSerializer,
    PageSerializer,
    StaleCursorSerializer,
    TicketSerializer,
)
from tenants.rest.problems import CONTENT_TYPE, problem
from tenants.roles import CAPABILITIES

TICKET_HOLDS: Final = timedelta(seconds=30)
WHY: Final = {
    "another_epoch": "The log was replaced since: this cursor belongs to another epoch.",
    "above_head": "The cursor lies beyond the end of the log.",
    "below_min_seq": "The events after the cursor are no longer kept.",
}
GONE: Final[dict[Any, Any]] = {
    (410, CONTENT_TYPE): OpenApiResponse(StaleCursorSerializer, "The cursor can't be continued: read afresh.")
}
LAST_EVENT_ID: Final = OpenApiParameter(
    "Last-Event-ID", str, OpenApiParameter.HEADER, description="The id of the last event of a stream that broke off."
)


class FeedTicketList(ActorView):
    needs = {"POST": "view_registry"}

    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        """A secret that opens one websocket within 30 s, as its second subprotocol `ticket.<secret>`."""
        expires_at = datetime.now(UTC) + TICKET_HOLDS
        ticket = actions.issue_ticket(valid_until=expires_at)
        return Response(TicketSerializer({"ticket": ticket, "expires_at": expires_at}).data, status=201)


class FeedPage(ActorView):
    """The log in pages, by plain GET."""

    needs = {"GET": "view_registry"}

    @extend_schema(parameters=[CursorSerializer], responses={(200, "application/json"): PageSerializer, **GONE})
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """What follows a cursor, as the websocket's `ev` and `skip` frames; go on from `cursor`, until it is `head`.

        With `wait_s` the answer comes as soon as something is shown.
        """
        asked = _asked(request)
        head = head_now()
        try:
            page = page_now(asked.get("after", head.seq), asked.get("epoch", head.epoch), asked["limit"], head)
        except Stale as stale:
            return _gone(stale)
        actor, wanted = access.actor(), _wanted(asked)
        links = list(page.chain(page.after, _view(actor, wanted).shown))
        frames = [as_dict(link.frame if isinstance(link, Entry) else link) for link in links]
        if asked["wait_s"] and page.to == head.seq and not any(isinstance(link, Entry) for link in links):
            waiting = awaited_page(actor, head, page.to, wanted, frames, wait_s=asked["wait_s"], limit=asked["limit"])
            return StreamingHttpResponse(waiting, content_type="application/json")
        body = {"feed": head.feed, "epoch": head.epoch, "head": head.seq, "min_seq": head.min_seq}
        return Response(PageSerializer({**body, "cursor": page.to, "frames": frames}).data)


class EventStream(JSONRenderer):
    """For content negotiation; what is wrong is told in JSON all the same."""

    media_type, format = "text/event-stream", "events"


class FeedEventList(FeedPage):
    """The same as server-sent events, for those who accept them; in pages for others."""

    renderer_classes = [JSONRenderer, EventStream]

    @extend_schema(
        parameters=[CursorSerializer, LAST_EVENT_ID],
        responses={
            (200, "application/json"): PageSerializer,
            (200, EventStream.media_type): OpenApiResponse(OpenApiTypes.STR, "`data` is a frame, `id` a cursor."),
            **GONE,
        },
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """The websocket's frames as server-sent events (`Accept: text/event-stream`), else as `feed` answers."""
        if not isinstance(request.accepted_renderer, EventStream):
            return super().get(request)
        asked = _asked(request)
        after, epoch = _last_event(request) or (asked.get("after"), asked.get("epoch"))
        stream = event_stream(access.actor(), after, epoch, _wanted(asked))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(stream, content_type=EventStream.media_type, headers=headers)


class FeedSnapshot(ActorView):
    needs = {"GET": "view_registry"}
    repeatable = True

    @extend_schema(responses=FeedSnapshotSerializer)
    def get(self, request: Request) -> Response:
        """The state that the feed tells of, with the place in the log to go on from."""
        head = head_now()
        body = {"feed": head.feed, "epoch": head.epoch, "head": head.seq, "min_seq": head.min_seq}
        return Response(FeedSnapshotSerializer({**body, "snapshot": state_now(access.actor())}).data)


def _asked(request: Request) -> dict[str, Any]:
    cursor = CursorSerializer(data=request.query_params)
    cursor.is_valid(raise_exception=True)
    return dict(cursor.validated_data)


def _wanted(asked: dict[str, Any]) -> Filter:
    return asked_filter({name: asked[name] for name in CRITERIA if name in asked})


def _view(actor: Actor, wanted: Filter) -> View:
    """The page was read as the actor, so what was withheld from them is not in it."""
    allowed = frozenset(capability for capability in CAPABILITIES if actor.can(capability))
    return View(allowed, purpose=actor.purpose, filter=wanted)


def _last_event(request: Request) -> tuple[int, UUID] | None:
    """The cursor that an interrupted stream goes on from."""
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return None
    epoch, _, after = given.partition(".")
    form = CursorSerializer(data={"epoch": epoch, "after": after})
    if not form.is_valid():
        raise Invalid("The header Last-Event-ID is not usable.", (FieldError("/", "send an id of this stream"),))
    return form.validated_data["after"], form.validated_data["epoch"]


def _gone(stale: Stale) -> Response:
    head = stale.head
    detail = f"{WHY[stale.reason]} Read the state afresh (feed/snapshot), then go on after its head."
    more: dict[str, Any] = {"reason": stale.reason, "epoch": head.epoch, "head": head.seq, "min_seq": head.min_seq}
    return Response({**problem(410, "Stale cursor", detail), **more}, status=410, content_type=CONTENT_TYPE)
