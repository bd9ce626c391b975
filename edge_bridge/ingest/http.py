"""`POST edge/batches`: one batch a request, answered after its transaction has committed."""

import json
from collections.abc import Callable
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from edge_bridge.actions import record
from edge_bridge.authentication import SCHEME, device_of
from edge_bridge.ingest.batches import read_batch, refuse
from edge_bridge.models import Device
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Batch, encode
from tenants.api import acting_as
from tenants.data import Actor


class DeviceAuthentication(BaseAuthentication):
    """`Authorization: Device <device id>.cmd_…`; `request.user` is the device."""

    def authenticate(self, request: Request) -> tuple[Device, Actor] | None:
        header = request.headers.get("Authorization", "")
        return device_of(header) if header.lower().startswith(SCHEME) else None

    def authenticate_header(self, request: Request) -> str:
        return "Device"


class DeviceScheme(OpenApiAuthenticationExtension):
    target_class = DeviceAuthentication
    name = "device"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        description = "`Device <device id>.cmd_…`"
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class BatchParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Batch:
        return read_batch(stream.read(MAX_MESSAGE_BYTES + 1))


class BatchView(APIView):
    """Parses before it opens the transaction, so that no lock waits for it."""

    authentication_classes = [DeviceAuthentication]
    parser_classes = [BatchParser]
    needs = {"POST": "send_readings"}

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refuse

    @extend_schema(
        operation_id="edge_batches_create",
        request={"application/json": OpenApiTypes.OBJECT},
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "ack: everything up to `through` is stored"),
            409: OpenApiResponse(OpenApiTypes.OBJECT, "numbers from `expected_seq` on were never received"),
            422: OpenApiResponse(OpenApiTypes.OBJECT, "an entry breaks the protocol; `seq` names it"),
        },
    )
    def post(self, request: Request) -> Response:
        batch = request.data
        with acting_as(request.auth):
            ack = record(device=request.user, batch=batch)
        return Response(json.loads(encode(ack)))
