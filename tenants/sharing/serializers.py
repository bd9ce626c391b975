"""Shapes of delegation, explanation and the access matrix over HTTP."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from tenants.models import Clause, Delegation
from tenants.roles import ROLES, SITE_PERMISSIONS
from tenants.sharing.queries import Way, ways_of
from tenants.sharing.standing import Reason
from tenants.sharing.words import narrowing_of, words_of

MOST_MEMBERS = 500


class DelegationSerializer(serializers.Serializer[Any]):
    """Without a delegation `everyone` uses the agreement, as far as their role goes."""

    everyone = serializers.BooleanField(read_only=True)
    roles = serializers.ListField(child=serializers.ChoiceField(list(ROLES)), max_length=len(ROLES))
    members = serializers.ListField(child=serializers.UUIDField(), max_length=MOST_MEMBERS, help_text="Ids of users.")
    set_by = serializers.UUIDField(source="set_by_id", read_only=True, allow_null=True)
    set_at = serializers.DateTimeField(read_only=True, allow_null=True)


def delegation_body(row: Delegation | None) -> dict[str, Any]:
    if row is None:
        return {"everyone": True, "roles": sorted(ROLES), "members": [], "set_by": None, "set_at": None}
    return {"everyone": False, **DelegationSerializer(row).data}


class ExplainQuerySerializer(serializers.Serializer[Any]):
    object = serializers.CharField(max_length=100, help_text="`<kind>:<id>`; kinds: alarm, equipment, series, site.")
    tenant = serializers.UUIDField(required=False, allow_null=True, default=None, help_text="The partner asked about.")


class WaySerializer(serializers.Serializer[Way]):
    """One permission of one clause. `in_force` is for the partner as a whole, or for you where you are the partner."""

    permission = serializers.ChoiceField(list(SITE_PERMISSIONS))
    agreement = serializers.UUIDField(source="clause.agreement_id")
    agreement_title = serializers.CharField(source="clause.agreement.title")
    version = serializers.IntegerField(source="clause.version.number")
    clause = serializers.UUIDField(source="clause.pk")
    partner = serializers.UUIDField(source="clause.agreement.partner_id")
    partner_name = serializers.CharField(source="clause.agreement.partner_name")
    site = serializers.UUIDField(source="clause.site_id", allow_null=True)
    equipment = serializers.UUIDField(source="clause.equipment_id", allow_null=True)
    code = serializers.CharField(source="clause.code")
    begins_at = serializers.DateTimeField(source="clause.during.lower", allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    purpose = serializers.CharField(source="clause.purpose")
    field_mask = serializers.ListField(child=serializers.CharField(), source="clause.field_mask")
    delay_s = serializers.IntegerField(source="clause.delay_s")
    floor_n = serializers.IntegerField(source="clause.floor_n")
    in_force = serializers.BooleanField()
    why_not = serializers.ListField(child=serializers.ChoiceField([str(reason) for reason in Reason]))
    words = serializers.SerializerMethodField()

    def get_words(self, way: Way) -> str:
        return words_of(way)


class AccessExplanationSerializer(serializers.Serializer[Any]):
    """`permissions` are those that open objects of this kind; `own_roles` of the owner see it without any agreement."""

    object = serializers.CharField()
    owner = serializers.UUIDField(source="owner_id")
    side = serializers.ChoiceField(["owner", "partner"])
    permissions = serializers.ListField(child=serializers.CharField())
    own_roles = serializers.ListField(child=serializers.CharField())
    may = serializers.BooleanField(help_text="Whether a partner (the one asked about, or you) may see it now.")
    words = serializers.CharField()
    ways = WaySerializer(many=True)


class MatrixFilterSerializer(serializers.Serializer[Any]):
    side = serializers.ChoiceField(["given", "received"], required=False)
    state = serializers.ChoiceField(["in_force", "not_in_force", "all"], required=False)
    partner = serializers.UUIDField(required=False, help_text="The other party.")
    agreement = serializers.UUIDField(required=False)
    site = serializers.UUIDField(required=False)
    equipment = serializers.UUIDField(required=False)
    permission = serializers.ChoiceField(list(SITE_PERMISSIONS), required=False)
    q = serializers.CharField(required=False, max_length=100, help_text="In names of places, parties and agreements.")


class MatrixRowSerializer(serializers.ModelSerializer[Clause]):
    """A place, a partner and what that partner may do there; `ends_at` is the earliest end."""

    owner = serializers.UUIDField(source="tenant_id")
    owner_name = serializers.CharField(source="agreement.owner_name")
    partner = serializers.UUIDField(source="agreement.partner_id")
    partner_name = serializers.CharField(source="agreement.partner_name")
    site = serializers.UUIDField(source="site_id", allow_null=True)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True)
    agreement = serializers.UUIDField(source="agreement_id")
    agreement_title = serializers.CharField(source="agreement.title")
    version = serializers.IntegerField(source="version.number")
    begins_at = serializers.DateTimeField(source="during.lower", allow_null=True)
    ends_at = serializers.SerializerMethodField()
    narrowed = serializers.SerializerMethodField()
    in_force = serializers.SerializerMethodField()
    why_not = serializers.SerializerMethodField()

    class Meta:
        model = Clause
        fields = [
            *["id", "owner", "owner_name", "partner", "partner_name", "site", "equipment", "code", "name"],
            *["permissions", "agreement", "agreement_title", "version", "begins_at", "ends_at"],
            *["purpose", "field_mask", "delay_s", "floor_n", "narrowed", "in_force", "why_not"],
        ]

    def get_ends_at(self, row: Clause) -> datetime | None:
        return _first_way(row).ends_at

    def get_narrowed(self, row: Clause) -> list[str]:
        return narrowing_of(row)

    def get_in_force(self, row: Clause) -> bool:
        return _first_way(row).in_force

    def get_why_not(self, row: Clause) -> list[str]:
        return [str(reason) for reason in _first_way(row).why_not]


def _first_way(row: Clause) -> Way:
    """All permissions of a clause stand and fall together, for the partner as a whole."""
    return ways_of([row])[0]
