from rest_framework import serializers

from tenants.models import Webhook, WebhookDelivery
from tenants.rest.feed_serializers import FilterSerializer
from tenants.webhooks import queries
from tenants.webhooks.actions import LONGEST_KEEP_S
from tenants.webhooks.addresses import MOST_URL_CHARS


class WebhookSerializer(serializers.ModelSerializer):
    url = serializers.CharField(max_length=MOST_URL_CHARS, help_text="Begins with https://.")
    filter = FilterSerializer(required=False, allow_null=True)
    waiting = serializers.SerializerMethodField(help_text="Events between its cursor and the end of the feed.")

    class Meta:
        model = Webhook
        fields = [
            *["id", "name", "url", "filter", "purpose", "user", "status", "disabled_because", "cursor", "waiting"],
            *["attempts", "failing_since", "due_at", "delivered_at", "previous_until", "created_at"],
        ]
        read_only_fields = [name for name in fields if name not in ("name", "url", "filter")]

    def get_waiting(self, row: Webhook) -> int:
        return queries.waiting(row)


class NewWebhookSerializer(WebhookSerializer):
    secret = serializers.CharField(read_only=True, help_text="Shown only here; messages are signed with it.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]


class SecretRotationSerializer(serializers.Serializer):
    keep_s = serializers.IntegerField(
        min_value=0, max_value=LONGEST_KEEP_S, default=86_400, help_text="How long both secrets sign, seconds."
    )


class SecretSerializer(serializers.Serializer):
    secret = serializers.CharField(read_only=True)


class WebhookDeliverySerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookDelivery
        fields = ["id", "message_id", "seq", "kind", "attempt", "answer", "is_taken", "problem", "took_ms", "sent_at"]
