"""Other tongues over HTTP: what devices post, what would be wrong with it, and the fleet for those who ask."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from edge_bridge.adapters import queries
from edge_bridge.adapters.actions import check, take
from edge_bridge.adapters.data import Weight
from edge_bridge.adapters.dictionary import judge
from edge_bridge.adapters.fleet import Page, as_json, as_xml
from edge_bridge.adapters.serializers import (
    ConformanceSerializer,
    FleetPageSerializer,
    FleetSerializer,
    ProtocolSerializer,
    TakenMessageSerializer,
)
from edge_bridge.adapters.tongues import CHECKED, TONGUES
from edge_bridge.data import TooLarge
from edge_bridge.ingest.batches import refuse
from edge_bridge.ingest.http import DeviceAuthentication
from edge_bridge.protocol import MAX_MESSAGE_BYTES
from tenants.api import acting_as
from tenants.rest.base import ActorView

MACHINES_A_PAGE = 100
ANY_MESSAGE = {"application/json": OpenApiTypes.ANY, "application/xml": OpenApiTypes.STR}


class AnyBody(BaseParser):
    """The bytes as they came, whatever they call themselves."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> bytes:
        raw: bytes = stream.read(MAX_MESSAGE_BYTES + 1)
        if len(raw) > MAX_MESSAGE_BYTES:
            raise TooLarge(f"The message is larger than {MAX_MESSAGE_BYTES} bytes; send it in parts.")
        return raw


class DeviceView(APIView):
    authentication_classes = [DeviceAuthentication]
    parser_classes = [AnyBody]
    needs = {"POST": "send_readings"}

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refuse

    def body(self, request: Request) -> bytes:
        """Empty if none came: then no parser is asked."""
        return request.data if isinstance(request.data, bytes) else b""


class TongueView(DeviceView):
    """Takes a message of another protocol: each reading in it is stored once, however often it comes."""

    @extend_schema(
        request=ANY_MESSAGE,
        responses={
            200: TakenMessageSerializer,
            422: OpenApiResponse(OpenApiTypes.OBJECT, "the message breaks its format; `errors` point at each fault"),
        },
    )
    def post(self, request: Request, tongue: str) -> Response:
        # Read before the transaction, so that no lock waits for it.
        translation = TONGUES[tongue](self.body(request), datetime.now(UTC))
        with acting_as(request.auth):
            taken = take(device=request.user, tongue=tongue, translation=translation)
        return Response(TakenMessageSerializer(asdict(taken)).data)


class Conformance(DeviceView):
    """What is wrong with a message, held against its format, the site's machines and units, and the tag dictionary.

    Nothing is kept.
    """

    @extend_schema(
        parameters=[ProtocolSerializer],
        request=ANY_MESSAGE,
        responses=ConformanceSerializer,
    )
    def post(self, request: Request) -> Response:
        form = ProtocolSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        protocol = form.validated_data["protocol"]
        translation = CHECKED[protocol](self.body(request), datetime.now(UTC))
        with acting_as(request.auth):
            catalogue, samples = check(device=request.user, translation=translation)
        judge(translation, samples, catalogue)
        findings = translation.findings
        shown = {
            "protocol": protocol,
            "conforms": findings.conforms,
            "readings": len(translation.samples),
            **{f"{weight}s": findings.count[weight] for weight in Weight},
            "findings": [asdict(finding) for finding in findings],
        }
        return Response(ConformanceSerializer(shown).data)


class FleetXml(BaseRenderer):
    media_type = "application/xml"
    format = "xml"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        response = (renderer_context or {}).get("response")
        if response is not None and response.exception:
            return JSONRenderer().render(data)
        return as_xml(data)


class Fleet(ActorView):
    """Our own fleet as a snapshot of ISO/TS 15143-3, a hundred machines a page, in JSON or by `Accept` in XML."""

    needs = {"GET": "view_telemetry"}
    renderer_classes = [JSONRenderer, FleetXml]

    @extend_schema(parameters=[FleetPageSerializer], responses=FleetSerializer)
    def get(self, request: Request) -> Response:
        form = FleetPageSerializer(data=request.query_params)
        form.is_valid(raise_exception=True)
        number = form.validated_data["page"]
        machines, n_pages = queries.fleet_page(number, MACHINES_A_PAGE)
        return Response(as_json(Page(machines, _links(request, number, n_pages), datetime.now(UTC))))


def _links(request: Request, number: int, n_pages: int) -> list[tuple[str, str]]:
    pages = {"self": number, "prev": number - 1, "next": number + 1, "last": n_pages}
    address = reverse("fleet-iso15143", request=request)
    there = {rel: page for rel, page in pages.items() if rel == "self" or 1 <= page <= n_pages}
    return [(rel, f"{address}?page={page}") for rel, page in there.items()]
