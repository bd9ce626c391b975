"""Shapes of remote sessions over HTTP. Amounts are minor units of the contract's currency."""

from typing import Any

from rest_framework import serializers

from marketplace.contracts.data import WORDS_CHARS
from marketplace.models import RemoteSession, SessionEntry
from marketplace.sessions.data import CEILING_MIN, LOOKED_AT_CHARS, RATE_MINOR, SUBJECT_CHARS


class RemoteSessionSerializer(serializers.ModelSerializer[RemoteSession]):
    """`version` rises with every step and note, and is also the ETag. `measured_min` is what the clock said."""

    owner = serializers.UUIDField(source="tenant_id")
    firm = serializers.UUIDField(source="firm_id")
    contract = serializers.UUIDField(source="contract_id")
    assignment = serializers.UUIDField(source="assignment_id")
    milestone = serializers.UUIDField(source="milestone_id", allow_null=True)

    class Meta:
        model = RemoteSession
        fields = [
            *["id", "contract", "owner", "firm", "assignment", "number", "subject", "state", "version"],
            *["from_at", "to_at", "rate_minor", "currency", "ceiling_min", "started_at", "ended_at", "measured_min"],
            *["answer_until", "reason", "milestone"],
        ]


class SessionEntrySerializer(serializers.ModelSerializer[SessionEntry]):
    """`minutes` of all entries sum to what the session took; a reversal takes back the entry that it names."""

    by = serializers.UUIDField(source="by_id")
    reverses = serializers.UUIDField(source="reverses_id", allow_null=True)

    class Meta:
        model = SessionEntry
        fields = ["id", "kind", "by", "created_at", "looked_at", "words", "minutes", "reverses"]


class RemoteSessionDetailSerializer(RemoteSessionSerializer):
    """`expert_name` is empty once the person was forgotten; `amount_minor` is what the log comes to."""

    expert_name = serializers.CharField(allow_blank=True)
    minutes = serializers.IntegerField()
    amount_minor = serializers.IntegerField()
    log = SessionEntrySerializer(many=True)

    class Meta(RemoteSessionSerializer.Meta):
        fields = [*RemoteSessionSerializer.Meta.fields, "expert_name", "minutes", "amount_minor", "log"]


class ContractSessionsSerializer(serializers.Serializer[Any]):
    sessions = RemoteSessionSerializer(many=True)


class BookSessionSerializer(serializers.Serializer[Any]):
    """`rate_minor` is for each minute, by the firm's rate card if it is left out; `need` is one of the task's needs."""

    person = serializers.UUIDField()
    need = serializers.UUIDField(required=False, allow_null=True, default=None)
    subject = serializers.CharField(max_length=SUBJECT_CHARS)
    from_at = serializers.DateTimeField()
    to_at = serializers.DateTimeField()
    ceiling_min = serializers.IntegerField(min_value=1, max_value=CEILING_MIN)
    rate_minor = serializers.IntegerField(
        min_value=1, max_value=RATE_MINOR, required=False, allow_null=True, default=None
    )


class StopSessionSerializer(serializers.Serializer[Any]):
    """`result`: what came of it."""

    result = serializers.CharField(max_length=WORDS_CHARS, required=False, allow_blank=True, default="")


class LogNoteSerializer(serializers.Serializer[Any]):
    words = serializers.CharField(max_length=WORDS_CHARS)
    looked_at = serializers.CharField(max_length=LOOKED_AT_CHARS, required=False, allow_blank=True, default="")


class CorrectMinutesSerializer(serializers.Serializer[Any]):
    minutes = serializers.IntegerField(min_value=0, max_value=CEILING_MIN)
    reason = serializers.CharField(max_length=WORDS_CHARS)
