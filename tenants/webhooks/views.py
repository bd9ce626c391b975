"""Webhooks over HTTP: parse, one action or query, render."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.models import Webhook
from tenants.rest.base import ActorView, ListView
from tenants.webhooks import actions, queries
from tenants.webhooks.access import NEEDS, get_webhook
from tenants.webhooks.serializers import (
    NewWebhookSerializer,
    SecretRotationSerializer,
    SecretSerializer,
    WebhookDeliverySerializer,
    WebhookSerializer,
)


class WebhookList(ListView):
    needs = {"GET": NEEDS, "POST": NEEDS}
    serializer_class = WebhookSerializer
    rows = staticmethod(queries.webhooks)

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def post(self, request: Request) -> Response:
        """Events from now on, with your own rights, and for the purpose that the request states."""
        webhook, secret = actions.make_webhook(**self.parsed(request))
        return Response({**NewWebhookSerializer(webhook).data, "secret": secret}, status=201)


class WebhookDetail(ActorView):
    needs = {"GET": NEEDS, "PATCH": NEEDS, "DELETE": NEEDS}

    @extend_schema(responses=WebhookSerializer)
    def get(self, request: Request, webhook_id: UUID) -> Response:
        return Response(WebhookSerializer(get_webhook(webhook_id)).data)

    @extend_schema(request=WebhookSerializer(partial=True), responses=WebhookSerializer)
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        webhook = get_webhook(webhook_id)
        form = WebhookSerializer(webhook, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        actions.change_webhook(webhook=webhook, **form.validated_data)
        return Response(WebhookSerializer(webhook).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        actions.remove_webhook(webhook=get_webhook(webhook_id))
        return Response(status=204)


class WebhookStep(ActorView):
    """One change of one webhook; a test is posted by the next sweep, and its delivery tells how it went."""

    needs = {"POST": NEEDS}
    step: ClassVar[str] = "enable"
    steps: ClassVar[dict[str, Callable[[Webhook], None]]] = {
        "enable": lambda row: actions.enable_webhook(webhook=row),
        "disable": lambda row: actions.disable_webhook(webhook=row),
        "test": lambda row: actions.ask_for_test(webhook=row),
    }

    @extend_schema(request=None, responses=WebhookSerializer)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        webhook = get_webhook(webhook_id)
        self.steps[self.step](webhook)
        return Response(WebhookSerializer(webhook).data)


class WebhookRotate(ActorView):
    needs = {"POST": NEEDS}

    @extend_schema(request=SecretRotationSerializer, responses=SecretSerializer)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """A new secret, shown only now."""
        webhook = get_webhook(webhook_id)
        form = SecretRotationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response({"secret": actions.rotate_secret(webhook=webhook, **form.validated_data)})


class WebhookDeliveryList(ListView):
    """Every attempt of the last 30 days."""

    needs = {"GET": NEEDS}
    serializer_class = WebhookDeliverySerializer

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return queries.deliveries_of(get_webhook(self.kwargs["webhook_id"]))
