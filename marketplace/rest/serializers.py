"""Shapes of the marketplace over HTTP. They parse; `marketplace.data` and the actions decide."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from marketplace.contracts.data import WORDS_CHARS
from marketplace.data import (
    ACCESS_H,
    CATEGORIES,
    DESCRIPTION_CHARS,
    DUE_D,
    FEE_MINOR,
    FREEZE_H,
    INVITED,
    MILESTONES,
    NOTE_CHARS,
    OPENERS,
    RETENTION_BP,
    SCOPES,
    STANDSTILL_H,
    TITLE_CHARS,
    VISIBILITIES,
    WARRANTY_D,
    WHOLE_BP,
    TaskTerms,
)
from marketplace.desk.posting import terms_of
from marketplace.lifecycle import Mode
from marketplace.models import Claim, ServiceTask
from marketplace.models.task import MODES
from tenants.api import actor
from tenants.roles import SITE_PERMISSIONS

ABOUT = ("site", "equipment", "alarm", "plan")
EVIDENCE = (*ABOUT, "freeze_h")


class ClaimSerializer(serializers.ModelSerializer[Claim]):
    firm = serializers.UUIDField(source="tenant_id")
    agreement = serializers.UUIDField(source="agreement_id")
    evidence = serializers.DictField(
        allow_null=True, help_text="What stored readings said of the rule of acceptance, when the work was submitted."
    )

    class Meta:
        model = Claim
        fields = [
            *["id", "firm", "firm_name", "state", "token", "agreement", "claimed_at", "lease_until", "answer_until"],
            *["ended_at", "work_note", "rework_note", "evidence"],
        ]


class SnapshotSerializer(serializers.Serializer[Any]):
    """What others learn of the place, as it was when the task was posted."""

    owner_name = serializers.CharField()
    site_name = serializers.CharField()
    site_kind = serializers.CharField()
    equipment_code = serializers.CharField(allow_null=True)
    equipment_name = serializers.CharField(allow_null=True)
    equipment_kind = serializers.CharField(allow_null=True)


class MilestoneSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=TITLE_CHARS)
    share_bp = serializers.IntegerField(
        min_value=1, max_value=WHOLE_BP, help_text=f"Basis points of the price; all sum to {WHOLE_BP}."
    )
    due_d = serializers.IntegerField(min_value=0, max_value=DUE_D, help_text="Days from the contract.")


class AcceptanceSerializer(serializers.Serializer[Any]):
    """A rule that stored readings are to keep for so many hours."""

    tag = serializers.CharField(max_length=100)
    equipment = serializers.UUIDField(required=False, allow_null=True, help_text="The task's own, if left out.")
    op = serializers.ChoiceField(["below", "above", "between"])
    limit = serializers.FloatField()
    upper = serializers.FloatField(required=False, allow_null=True)
    for_h = serializers.FloatField()
    coverage_frac = serializers.FloatField(required=False, min_value=0, max_value=1)


class ServiceTaskSerializer(serializers.ModelSerializer[ServiceTask]):
    """`claim` is the live or completed claim, shown to its two parties only; `version` is also the ETag."""

    owner = serializers.UUIDField(source="tenant_id")
    site = serializers.UUIDField(source="site_id")
    equipment = serializers.UUIDField(source="equipment_id", allow_null=True)
    alarm = serializers.UUIDField(source="alarm_id", allow_null=True)
    framework = serializers.UUIDField(source="framework_id", allow_null=True)
    snapshot = SnapshotSerializer()
    milestones = MilestoneSerializer(many=True)
    acceptance = AcceptanceSerializer(allow_null=True)
    claim = ClaimSerializer(allow_null=True)

    class Meta:
        model = ServiceTask
        fields = [
            *["id", "owner", "state", "version", "title", "description", "category", "site", "equipment", "alarm"],
            *["snapshot", "opens", "access_h", "fee_minor", "currency", "mode", "visibility", "bids_until"],
            *["openers_needed", "standstill_h", "milestones", "retention_bp", "warranty_d", "acceptance", "framework"],
            "claim",
            *["created_at", "updated_at", "published_at"],
        ]


class TaskDetailSerializer(ServiceTaskSerializer):
    """With the evidence that was frozen from the alarm or the plan, if the task was posted from one."""

    evidence = serializers.DictField(source="snapshot.evidence", allow_null=True)
    invited = serializers.SerializerMethodField(help_text="Organisations that the owner invited, for the owner.")

    class Meta(ServiceTaskSerializer.Meta):
        fields = [*ServiceTaskSerializer.Meta.fields, "evidence", "invited"]

    def get_invited(self, task: ServiceTask) -> list[UUID]:
        is_own = task.tenant_id == actor().tenant_id
        return list(task.invitations.order_by("pk").values_list("firm", flat=True)) if is_own else []


class TermsSerializer(serializers.Serializer[Any]):
    """What the poster offers."""

    title = serializers.CharField(max_length=TITLE_CHARS)
    description = serializers.CharField(max_length=DESCRIPTION_CHARS, required=False, allow_blank=True)
    category = serializers.ChoiceField(list(CATEGORIES.items()))
    opens = serializers.ListField(
        child=serializers.ChoiceField(list(SITE_PERMISSIONS.items())), max_length=len(SITE_PERMISSIONS), required=False
    )
    access_h = serializers.IntegerField(min_value=1, max_value=ACCESS_H, required=False)
    fee_minor = serializers.IntegerField(min_value=0, max_value=FEE_MINOR, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", required=False)
    mode = serializers.ChoiceField(MODES, required=False)
    visibility = serializers.ChoiceField(list(VISIBILITIES.items()), required=False)
    invited = serializers.ListField(child=serializers.UUIDField(), max_length=INVITED, required=False)
    bids_until = serializers.DateTimeField(required=False, allow_null=True)
    openers_needed = serializers.IntegerField(min_value=1, max_value=OPENERS, required=False)
    standstill_h = serializers.IntegerField(min_value=0, max_value=STANDSTILL_H, required=False)
    milestones = MilestoneSerializer(many=True, required=False, max_length=MILESTONES)
    retention_bp = serializers.IntegerField(min_value=0, max_value=RETENTION_BP, required=False)
    warranty_d = serializers.IntegerField(min_value=0, max_value=WARRANTY_D, required=False)
    acceptance = AcceptanceSerializer(required=False, allow_null=True)
    framework = serializers.UUIDField(required=False, allow_null=True)

    def given(self) -> dict[str, Any]:
        """The terms that were sent, as TaskTerms takes them."""
        data = {name: value for name, value in self.validated_data.items() if name not in EVIDENCE}
        return data | {name: tuple(data[name]) for name in ("opens", "invited") if name in data}


class PostTaskSerializer(TermsSerializer):
    """Name the alarm, the equipment or the site; what contains it follows. A plan is evidence, beside one of them."""

    site = serializers.UUIDField(required=False, allow_null=True)
    equipment = serializers.UUIDField(required=False, allow_null=True)
    alarm = serializers.UUIDField(required=False, allow_null=True)
    plan = serializers.UUIDField(required=False, allow_null=True)
    freeze_h = serializers.IntegerField(
        min_value=0, max_value=FREEZE_H, default=0, help_text="Hours of the machine's readings that others shall see."
    )

    def arguments(self) -> dict[str, Any]:
        """What `actions.post_task` takes."""
        about = {f"{name}_id": self.validated_data.get(name) for name in ABOUT}
        return {"terms": TaskTerms(**self.given()), "freeze_h": self.validated_data["freeze_h"], **about}


class ReviseTaskSerializer(TermsSerializer):
    """Terms that are left out stay, but a deadline with its mode and the invited with their visibility."""

    def terms(self, task: ServiceTask) -> TaskTerms:
        before, given = terms_of(task), self.given()
        if given.get("mode") == Mode.CLAIM:
            before["bids_until"] = None
        if given.get("visibility", "invited") != "invited":
            before["invited"] = ()
        return TaskTerms(**before | given)


class SubmitSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    note = serializers.CharField(max_length=NOTE_CHARS, required=False, allow_blank=True, default="")


class ReleaseSerializer(serializers.Serializer[Any]):
    token = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class ReworkSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=WORDS_CHARS, required=False, allow_blank=True, default="")


class ExtendSerializer(serializers.Serializer[Any]):
    hours = serializers.IntegerField(min_value=1, max_value=ACCESS_H)


class ScopeSerializer(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(SCOPES, default="own")
