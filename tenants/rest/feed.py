"""The feed over HTTP: tickets for its websocket, and the same log by plain GET."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import access, actions
from tenants.data import Actor
from tenants.feed.entry import Entry
from tenants.feed.frames import as_dict
from tenants.feed.log import Stale, head_now, page_now
from tenants.rest.base import ActorView
from tenants.rest.feed_serializers import CursorSerializer, PageSerializer, StaleSerializer, TicketSerializer
from tenants.rest.problems import CONTENT_TYPE, problem

TICKET_HOLDS: Final = timedelta(seconds=30)
WHY: Final = {
    "another_epoch": "The log was replaced since: this cursor belongs to another epoch.",
    "above_head": "The cursor lies beyond the end of the log.",
    "below_min_seq": "The events after the cursor are no longer kept.",
}


class FeedTicketList(ActorView):
    needs = {"POST": "view_registry"}

    @extend_schema(request=None, responses={201: TicketSerializer})
    def post(self, request: Request) -> Response:
        """A secret that opens one websocket within 30 s, as its second subprotocol `ticket.<secret>`."""
        expires_at = datetime.now(UTC) + TICKET_HOLDS
        ticket = actions.issue_ticket(valid_until=expires_at)
        return Response(TicketSerializer({"ticket": ticket, "expires_at": expires_at}).data, status=201)


class FeedEventList(ActorView):
    needs = {"GET": "view_registry"}

    @extend_schema(
        parameters=[CursorSerializer],
        responses={
            200: PageSerializer,
            (410, CONTENT_TYPE): OpenApiResponse(StaleSerializer, "The cursor can't be continued: read afresh."),
        },
    )
    def get(self, request: Request) -> Response:
        """What follows a cursor, as the websocket's `ev` and `skip` frames; go on from `cursor`, until it is `head`."""
        cursor = CursorSerializer(data=request.query_params)
        cursor.is_valid(raise_exception=True)
        head = head_now()
        asked = {"after": head.seq, "epoch": head.epoch, **cursor.validated_data}
        try:
            page = page_now(**asked, head=head)
        except Stale as stale:
            return _gone(stale)
        links = page.chain(page.after, _shown_to(access.actor()))
        frames = [as_dict(link.frame if isinstance(link, Entry) else link) for link in links]
        body = {"feed": head.feed, "epoch": head.epoch, "head": head.seq, "min_seq": head.min_seq}
        return Response(PageSerializer({**body, "cursor": page.to, "frames": frames}).data)


def _shown_to(actor: Actor) -> Callable[[Entry], Entry | None]:
    """The page was read as the actor, so what was withheld from them is not in it."""

    def shown(entry: Entry) -> Entry | None:
        return entry.opened_to(actor.purpose, frozenset()) if actor.can(entry.permission) else None

    return shown


def _gone(stale: Stale) -> Response:
    head = stale.head
    detail = f"{WHY[stale.reason]} Read the state afresh, then go on after {head.seq} of epoch {head.epoch}."
    more: dict[str, Any] = {"reason": stale.reason, "epoch": head.epoch, "head": head.seq, "min_seq": head.min_seq}
    return Response({**problem(410, "Stale cursor", detail), **more}, status=410, content_type=CONTENT_TYPE)
