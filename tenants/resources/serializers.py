"""Shapes of people and stock over HTTP. Input serializers validate form; actions decide."""

from typing import Any

from rest_framework import serializers

from tenants.models import (
    Booking,
    Certificate,
    Equipment,
    Material,
    Person,
    PersonSkill,
    Relocation,
    SiteRequirement,
    Skill,
    StockLevel,
    StockMove,
    Training,
)
from tenants.resources.data import LEVELS, SOON_DAYS, UNITS
from tenants.resources.sheets import MAX_CHARS

QUANTITY: dict[str, Any] = {"max_digits": 15, "decimal_places": 3}


def kinds() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(max_length=40), max_length=20, required=False)


# People ---------------------------------------------------------------------------------------------------------------


class PersonSkillSerializer(serializers.ModelSerializer[PersonSkill]):
    skill = serializers.UUIDField(source="skill_id")
    code = serializers.CharField(source="skill.code", read_only=True)
    level = serializers.IntegerField(min_value=min(LEVELS), max_value=max(LEVELS))

    class Meta:
        model = PersonSkill
        fields = ["skill", "code", "level", "assessed_on", "assessor"]


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    person = serializers.UUIDField(source="person_id", read_only=True)
    document_hash = serializers.RegexField("^[0-9a-f]{64}$", required=False, help_text="SHA-256 of the document.")

    class Meta:
        model = Certificate
        fields = ["id", "person", "kind", "number", "issuer", "issued_on", "expires_on", "document_hash"]


class TrainingSerializer(serializers.ModelSerializer[Training]):
    class Meta:
        model = Training
        fields = ["id", "course", "completed_on", "expires_on"]


class PersonSerializer(serializers.ModelSerializer[Person]):
    user = serializers.UUIDField(source="user_id", allow_null=True, required=False)
    home_site = serializers.UUIDField(source="home_site_id", allow_null=True, required=False)
    skills = PersonSkillSerializer(many=True, read_only=True)

    class Meta:
        model = Person
        fields = ["id", "code", "name", "email", "user", "home_site", "left_on", "erased_at", "skills"]
        read_only_fields = ["left_on", "erased_at"]


class ChangedPersonSerializer(serializers.ModelSerializer[Person]):
    user = serializers.UUIDField(source="user_id", allow_null=True, required=False)

    class Meta:
        model = Person
        fields = ["name", "email", "user", "left_on"]


class PersonDetailSerializer(PersonSerializer):
    certificates = CertificateSerializer(many=True, read_only=True)
    trainings = TrainingSerializer(many=True, read_only=True)

    class Meta(PersonSerializer.Meta):
        fields = [*PersonSerializer.Meta.fields, "certificates", "trainings"]


class SkillSerializer(serializers.ModelSerializer[Skill]):
    class Meta:
        model = Skill
        fields = ["id", "code", "name"]


class RequirementSerializer(serializers.ModelSerializer[SiteRequirement]):
    site = serializers.UUIDField(source="site_id")
    skill = serializers.UUIDField(source="skill_id")
    level = serializers.IntegerField(min_value=min(LEVELS), max_value=max(LEVELS))
    n_people = serializers.IntegerField(min_value=0, max_value=10_000)
    certificates = kinds()

    class Meta:
        model = SiteRequirement
        fields = ["id", "site", "skill", "level", "n_people", "certificates"]


class MatrixFilterSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField(required=False)


class HolderSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    level = serializers.IntegerField()


class CellSerializer(serializers.Serializer[Any]):
    """`have` counts those at the level who hold the certificates; `uncertified` are those at it who don't."""

    site = serializers.UUIDField(source="site_id")
    skill = serializers.UUIDField(source="skill_id")
    level = serializers.IntegerField()
    needed = serializers.IntegerField()
    have = serializers.IntegerField()
    gap = serializers.IntegerField()
    uncertified = serializers.ListField(child=serializers.CharField())
    people = HolderSerializer(many=True)


class MatrixSerializer(serializers.Serializer[Any]):
    cells = CellSerializer(many=True)


class ExpiryFilterSerializer(serializers.Serializer[Any]):
    within_days = serializers.IntegerField(min_value=0, max_value=3660, default=max(SOON_DAYS))


class ExpirySerializer(CertificateSerializer):
    code = serializers.CharField(source="person.code")
    band = serializers.ChoiceField(["expired", *(f"within_{days}" for days in SOON_DAYS), "later"])

    class Meta(CertificateSerializer.Meta):
        fields = ["id", "person", "code", "kind", "number", "expires_on", "band"]


class ExpiriesSerializer(serializers.Serializer[Any]):
    certificates = ExpirySerializer(many=True)
    more = serializers.BooleanField()


# Stock ----------------------------------------------------------------------------------------------------------------


class MaterialSerializer(serializers.ModelSerializer[Material]):
    unit = serializers.ChoiceField(list(UNITS.items()), help_text="A UCUM code.")

    class Meta:
        model = Material
        fields = ["id", "code", "name", "unit"]


class StockFilterSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField(required=False)
    material = serializers.UUIDField(required=False)


class StockLevelSerializer(serializers.ModelSerializer[StockLevel]):
    site = serializers.UUIDField(source="site_id")
    material = serializers.UUIDField(source="material_id")
    code = serializers.CharField(source="material.code")
    unit = serializers.CharField(source="material.unit")

    class Meta:
        model = StockLevel
        fields = ["id", "site", "material", "code", "unit", "quantity"]


class StockMoveSerializer(serializers.ModelSerializer[StockMove]):
    """`quantity` is what the move added; negative for what it took."""

    site = serializers.UUIDField(source="site_id")
    material = serializers.UUIDField(source="material_id")

    class Meta:
        model = StockMove
        fields = [
            *["id", "site", "material", "kind", "quantity", "balance", "transfer"],
            *["reason", "reference", "moved_by", "moved_at"],
        ]


class WordsSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")
    reference = serializers.CharField(max_length=100, allow_blank=True, default="")


class NewMoveSerializer(WordsSerializer):
    """For receipts and issues `quantity` is positive; an adjustment adds it, or takes it where it is negative."""

    kind = serializers.ChoiceField(["receipt", "issue", "adjustment"])
    site = serializers.UUIDField()
    material = serializers.UUIDField()
    quantity = serializers.DecimalField(**QUANTITY)


class NewTransferSerializer(WordsSerializer):
    from_site = serializers.UUIDField()
    to_site = serializers.UUIDField()
    material = serializers.UUIDField()
    quantity = serializers.DecimalField(**QUANTITY)


class StockFaultSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField()
    material = serializers.UUIDField()
    level = serializers.DecimalField(**QUANTITY)
    moves = serializers.DecimalField(**QUANTITY)


class StockCheckSerializer(serializers.Serializer[Any]):
    """Levels that are not the sum of their moves."""

    faults = StockFaultSerializer(many=True)


# Bookings and relocations ---------------------------------------------------------------------------------------------


class BookingFilterSerializer(serializers.Serializer[Any]):
    person = serializers.UUIDField(required=False)
    equipment = serializers.UUIDField(required=False)
    site = serializers.UUIDField(required=False)
    from_at = serializers.DateTimeField(required=False)
    to_at = serializers.DateTimeField(required=False)
    cancelled = serializers.BooleanField(default=False, help_text="True: cancelled ones too.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "from_at" in attrs and "to_at" in attrs and attrs["to_at"] < attrs["from_at"]:
            raise serializers.ValidationError({"to_at": "Give a time after from_at."})
        return attrs


class BookingSerializer(serializers.ModelSerializer[Booking]):
    person = serializers.UUIDField(source="person_id", allow_null=True, required=False)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True, required=False)
    site = serializers.UUIDField(source="site_id", allow_null=True, help_text="Null: at another organisation's.")
    skill = serializers.UUIDField(source="skill_id", allow_null=True, required=False)
    begins_at = serializers.DateTimeField(source="during.lower")
    ends_at = serializers.DateTimeField(source="during.upper")
    certificates = kinds()

    class Meta:
        model = Booking
        fields = [
            *["id", "person", "equipment", "site", "begins_at", "ends_at", "purpose", "reference", "skill"],
            *["certificates", "booked_by", "booked_at", "cancelled_at", "cancel_reason"],
        ]
        read_only_fields = ["booked_by", "booked_at", "cancelled_at", "cancel_reason"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("person_id")) == bool(attrs.get("equipment_id")):
            raise serializers.ValidationError("Name either a person or a piece of equipment.")
        if attrs.get("site_id") is None:
            raise serializers.ValidationError({"site": "Name the site; work elsewhere is an assignment to its task."})
        if attrs.get("equipment_id") and (attrs.get("skill_id") or attrs.get("certificates")):
            raise serializers.ValidationError("Only people have skills and certificates.")
        return attrs


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200)


class RelocationSerializer(serializers.ModelSerializer[Relocation]):
    person = serializers.UUIDField(source="person_id", allow_null=True)
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True)
    from_site = serializers.UUIDField(source="from_site_id", allow_null=True)
    to_site = serializers.UUIDField(source="to_site_id", allow_null=True)

    class Meta:
        model = Relocation
        fields = ["id", "person", "equipment", "from_site", "to_site", "reason", "moved_by", "moved_at"]


class MovePersonSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField(allow_null=True, help_text="The new home site; null for none.")
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")


class MoveEquipmentSerializer(serializers.Serializer[Any]):
    site = serializers.UUIDField()
    reason = serializers.CharField(max_length=200, allow_blank=True, default="")


class StatusSerializer(serializers.ModelSerializer[Equipment]):
    class Meta:
        model = Equipment
        fields = ["status"]
        extra_kwargs = {"status": {"required": True}}


# Tables ---------------------------------------------------------------------------------------------------------------


class TableSerializer(serializers.Serializer[Any]):
    csv = serializers.CharField(max_length=MAX_CHARS)


class CountSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=200, default="stock count")


class TakenSerializer(serializers.Serializer[Any]):
    """Of how many rows each was true."""

    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    same = serializers.IntegerField()
