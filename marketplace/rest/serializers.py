"""Shapes of the marketplace over HTTP. They parse; `marketplace.data` and the actions decide."""

from typing import Any

from rest_framework import serializers

from marketplace.data import (
    ACCESS_H,
    CATEGORIES,
    DESCRIPTION_CHARS,
    FEE_MINOR,
    NOTE_CHARS,
    SCOPES,
    TITLE_CHARS,
    TaskTerms,
)
from marketplace.models import Claim, ServiceTask
from tenants.roles import SITE_PERMISSIONS

PLACES = ("site", "equipment", "alarm")


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    firm = serializers.UUIDField(source="tenant_id")
    agreement = serializers.UUIDField(source="agreement_id")

    class Meta:
        model = Claim
        fields = [
            *["id", "firm", "firm_name", "state", "token", "agreement", "claimed_at", "lease_until", "ended_at"],
            *["work_note", "rework_note"],
        ]


class SnapshotSerializer(serializers.Serializer[Any]):
    """What others learn of the place, as it was when the task was posted."""

    owner_name = serializers.CharField()
    site_name = serializers.CharField()
    site_kind = serializers.CharField()
    equipment_code = serializers.CharField(allow_null=True)
    equipment_name = serializers.CharField(allow_null=True)
    equipment_kind = serializers.CharField(allow_null=True)


class ServiceTaskSerializer(serializers.ModelSerializer[ServiceTask]):
    """`claim` is the live or completed claim, shown to its two parties only; `version` is also the ETag."""

    owner = serializers.UUIDField(source="tenant_id")
    site = serializers.UUIDField(source="site_id")
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True)
    alarm = serializers.UUIDField(source="alarm_id", allow_null=True)
    snapshot = SnapshotSerializer()
    claim = ClaimSerializer(allow_null=True)

    class Meta:
        model = ServiceTask
        fields = [
            *["id", "owner", "state", "version", "title", "description", "category", "site", "equipment", "alarm"],
            *["snapshot", "opens", "access_h", "fee_minor", "currency", "claim"],
            *["created_at", "updated_at", "published_at"],
        ]


class TaskDetailSerializer(ServiceTaskSerializer):
    """With the evidence that was frozen from the alarm, if the task was posted from one."""

    evidence = serializers.DictField(source="snapshot.evidence", allow_null=True)

    class Meta(ServiceTaskSerializer.Meta):
        fields = [*ServiceTaskSerializer.Meta.fields, "evidence"]


class PostTaskSerializer(serializers.Serializer[Any]):
    """Name the alarm, the equipment or the site; what contains it follows."""

    site = serializers.UUIDField(required=False, allow_null=True)
    equipment = serializers.UUIDField(required=False, allow_null=True)
    alarm = serializers.UUIDField(required=False, allow_null=True)
    title = serializers.CharField(max_length=TITLE_CHARS)
    description = serializers.CharField(max_length=DESCRIPTION_CHARS, required=False, allow_blank=True)
    category = serializers.ChoiceField(list(CATEGORIES.items()))
    opens = serializers.ListField(
        child=serializers.ChoiceField(list(SITE_PERMISSIONS.items())), max_length=len(SITE_PERMISSIONS), required=False
    )
    access_h = serializers.IntegerField(min_value=1, max_value=ACCESS_H, required=False)
    fee_minor = serializers.IntegerField(min_value=0, max_value=FEE_MINOR, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", required=False)

    def arguments(self) -> dict[str, Any]:
        """What `actions.post_task` takes."""
        data = dict(self.validated_data)
        places = {f"{place}_id": data.pop(place, None) for place in PLACES}
        return {"terms": TaskTerms(**data | {"opens": tuple(data.get("opens", ()))}), **places}


class SubmitSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    note = serializers.CharField(max_length=NOTE_CHARS, required=False, allow_blank=True, default="")


class ReleaseSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class ReworkSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=NOTE_CHARS, required=False, allow_blank=True, default="")


class ScopeSerializer(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(SCOPES, default="own")
