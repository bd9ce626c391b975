"""Shapes of agreements over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from rest_framework import serializers

from tenants.agreements import queries
from tenants.agreements.data import (
    MOST_CLAUSES,
    MOST_DELAY_S,
    MOST_FLOOR_N,
    MOST_MINOR,
    PURPOSE_CHARS,
    REASON_CHARS,
    TERMS_CHARS,
    TITLE_CHARS,
)
from tenants.agreements.lifecycle import State
from tenants.models import Agreement, AgreementVersion, Clause, Signature
from tenants.roles import SITE_PERMISSION_CHOICES, SITE_PERMISSIONS

MOST_MASKED = 40
MOST_VERSION = 2**31 - 2


class WindowSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField(source="lower")
    ends_at = serializers.DateTimeField(source="upper", allow_null=True, required=False, default=None)


class ClauseSerializer(serializers.ModelSerializer[Clause]):
    """`code` and `name` are the place's, as they stand in the text."""

    site = serializers.UUIDField(source="site_id", allow_null=True, required=False)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True, required=False)
    permissions = serializers.ListField(
        child=serializers.ChoiceField(SITE_PERMISSION_CHOICES), min_length=1, max_length=len(SITE_PERMISSIONS)
    )
    during = WindowSerializer()
    field_mask = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=MOST_MASKED, required=False
    )
    delay_s = serializers.IntegerField(min_value=0, max_value=MOST_DELAY_S, required=False)
    floor_n = serializers.IntegerField(min_value=0, max_value=MOST_FLOOR_N, required=False)
    price_minor = serializers.IntegerField(min_value=0, max_value=MOST_MINOR, allow_null=True, required=False)

    class Meta:
        model = Clause
        fields = [
            *["id", "site", "equipment", "code", "name", "permissions", "during"],
            *["purpose", "field_mask", "delay_s", "floor_n", "price_minor", "price_per"],
        ]
        read_only_fields = ["code", "name"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("site_id")) == bool(attrs.get("equipment_id")):
            raise serializers.ValidationError("Name either a site or a piece of equipment.")
        window = attrs["during"]
        return {**attrs, "during": (window["lower"], window["upper"])}


class ContentSerializer(serializers.Serializer[Any]):
    """What a version says."""

    terms = serializers.CharField(max_length=TERMS_CHARS, allow_blank=True, required=False, default="")
    clauses = serializers.ListField(child=ClauseSerializer(), min_length=1, max_length=MOST_CLAUSES)


class DraftSerializer(ContentSerializer):
    """A call-off names its `framework` and no partner; the others name their `partner`."""

    kind = serializers.ChoiceField(["bilateral", "framework", "call_off"], required=False, default="bilateral")
    partner = serializers.UUIDField(required=False, allow_null=True, default=None)
    title = serializers.CharField(max_length=TITLE_CHARS)
    purpose = serializers.CharField(max_length=PURPOSE_CHARS)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    framework = serializers.UUIDField(required=False, allow_null=True, default=None)
    supersedes = serializers.UUIDField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wanted, unwanted = ("framework", "partner") if attrs["kind"] == "call_off" else ("partner", "framework")
        if attrs[wanted] is None:
            raise serializers.ValidationError({wanted: [f"Name the {wanted}."]})
        if attrs[unwanted] is not None:
            raise serializers.ValidationError({unwanted: ["Leave it out for this kind."]})
        return attrs


class HeadingSerializer(serializers.Serializer[Any]):
    """What is left out stays as it is; without an end, `ends_at` is null."""

    title = serializers.CharField(max_length=TITLE_CHARS, required=False)
    purpose = serializers.CharField(max_length=PURPOSE_CHARS, required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)


class NewVersionSerializer(HeadingSerializer, ContentSerializer):
    answers = serializers.IntegerField(
        min_value=1, max_value=MOST_VERSION, help_text="The version on the table, in the place of which this is put."
    )


class AcceptSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField(min_value=1, max_value=MOST_VERSION)


class SignSerializer(AcceptSerializer):
    text_hash = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="SHA-256 of the version's `text` in UTF-8.")


class EndSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=REASON_CHARS)


class FilterSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField([str(state) for state in State], required=False)
    kind = serializers.ChoiceField(Agreement.Kind.choices, required=False)
    partner = serializers.UUIDField(required=False, help_text="The other party.")


class SignatureSerializer(serializers.ModelSerializer[Signature]):
    version = serializers.IntegerField(source="version.number")

    class Meta:
        model = Signature
        fields = ["party", "user_name", "via", "version", "text_hash", "signed_at"]
        read_only_fields = fields


class AgreementSerializer(serializers.ModelSerializer[Agreement]):
    """With the clauses and signatures of the version on the table or in force; `steps` are those you may take now."""

    owner = serializers.UUIDField(source="tenant_id")
    status = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    clauses = ClauseSerializer(source="current_clauses", many=True)
    signatures = SignatureSerializer(source="current_signatures", many=True)

    class Meta:
        model = Agreement
        fields = [
            *["id", "kind", "owner", "owner_name", "partner", "partner_name", "title", "purpose", "status", "version"],
            *["framework", "supersedes", "statute", "ends_at", "clauses", "signatures", "steps"],
            *["created_at", "offered_at", "activated_at", "ended_at", "end_reason"],
        ]
        read_only_fields = fields

    def get_status(self, row: Agreement) -> str:
        return str(queries.standing(row))

    def get_steps(self, row: Agreement) -> list[str]:
        return [str(step) for step in queries.steps_of(row)]


class AgreementVersionSerializer(serializers.ModelSerializer[AgreementVersion]):
    """`text_hash` is the SHA-256 of `text` in UTF-8, which is canonical JSON (RFC 8785) of all that is agreed on."""

    clauses = ClauseSerializer(many=True)

    class Meta:
        model = AgreementVersion
        fields = [
            *["id", "number", "author", "title", "purpose", "ends_at", "terms"],
            *["text", "text_hash", "created_at", "offered_at", "clauses"],
        ]
        read_only_fields = fields


class OpeningSerializer(serializers.Serializer[Any]):
    """Rows of one table. `n_rows` is told to their owner only; `is_more`: there are more than were counted."""

    table = serializers.CharField()
    n_rows = serializers.IntegerField(allow_null=True)
    is_more = serializers.BooleanField()
    hidden = serializers.ListField(child=serializers.CharField())
    delay_s = serializers.IntegerField()
    is_figures_only = serializers.BooleanField()


class ClausePreviewSerializer(serializers.Serializer[Any]):
    clause = ClauseSerializer()
    openings = OpeningSerializer(many=True)
