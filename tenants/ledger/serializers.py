"""Shapes of the ledger over HTTP."""

import json
from typing import Any

from rest_framework import serializers

from tenants.ledger.text import text_of
from tenants.models import LedgerEntry

MAX_SEQ = 2**53 - 1


class LedgerFilterSerializer(serializers.Serializer[Any]):
    """`subject` is the id of what entries are about, such as an agreement or a plan's release."""

    kind = serializers.CharField(required=False, max_length=60)
    subject = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False)


class LedgerEntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    subject = serializers.UUIDField(source="subject_id")
    by = serializers.UUIDField(
        source="by_id", allow_null=True, help_text="The organisation; null: the platform, or who joins one."
    )
    by_name = serializers.CharField(source="by.name", default="", help_text="Empty if it isn't listed.")
    user = serializers.UUIDField(source="user_id", allow_null=True, help_text="Known to their own organisation only.")
    payload = serializers.SerializerMethodField()
    shared = serializers.UUIDField(source="shared_id", allow_null=True, help_text="The same in each chain.")

    class Meta:
        model = LedgerEntry
        fields = [
            *["id", "seq", "at", "kind", "subject", "by", "by_name", "user", "user_name", "via", "payload"],
            *["shared", "with_tenants", "prev_hash", "digest", "others", "hash"],
        ]

    def get_payload(self, entry: LedgerEntry) -> dict[str, Any]:
        return dict(json.loads(entry.payload))


class LedgerEntryDetailSerializer(LedgerEntrySerializer):
    text = serializers.SerializerMethodField(help_text="What the digest is taken of, byte for byte.")

    class Meta(LedgerEntrySerializer.Meta):
        fields = [*LedgerEntrySerializer.Meta.fields, "text"]

    def get_text(self, entry: LedgerEntry) -> str:
        return text_of(entry)


class VerifyFromSerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(required=False, default=0, min_value=0, max_value=MAX_SEQ)
    owner = serializers.UUIDField(required=False, help_text="The chain of an organisation under one's mandate.")


class LedgerFaultSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    what = serializers.CharField()


class VerdictSerializer(serializers.Serializer[Any]):
    """`fault` is the first broken entry; without one, go on from `next_after` until it is null."""

    first = serializers.IntegerField()
    last = serializers.IntegerField()
    hash = serializers.CharField(help_text="Of entry `last`: keep it elsewhere, with its number.")
    head_seq = serializers.IntegerField()
    fault = LedgerFaultSerializer(allow_null=True)
    next_after = serializers.IntegerField(allow_null=True)


class StretchSerializer(serializers.Serializer[Any]):
    first = serializers.IntegerField(
        required=False,
        default=None,
        min_value=1,
        max_value=MAX_SEQ,
        allow_null=True,
        help_text="By default as many as a bundle holds, up to `last`.",
    )
    last = serializers.IntegerField(required=False, default=None, min_value=1, max_value=MAX_SEQ, allow_null=True)
    owner = serializers.UUIDField(required=False, help_text="The chain of an organisation under one's mandate.")
