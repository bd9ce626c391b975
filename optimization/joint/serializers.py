"""Shapes of plans of several organisations over HTTP. What a frame and a part hold is read by the core."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from optimization.joint_parts import Seat
from optimization.models import JointPart, JointPlan, JointSeat, PlanShare
from optimization.models.joint import MOST_NAMES
from optimization.rest.serializers import OptionsField, OptionsSerializer
from tenants.api import actor

MOST_SEATS = 50


@extend_schema_field(OpenApiTypes.OBJECT)
class DocumentField(serializers.JSONField):
    """Of the shape that its help text says, read as it is."""


class FrameSerializer(serializers.Serializer[Any]):
    periods = serializers.ListField(child=serializers.CharField(), help_text="Names of the periods, in order.")
    uncertainty = DocumentField(
        help_text="{kind: nominal | box}, {kind: budget, Gamma: a number for every mine} or {kind: paper, Pi, pi}."
    )
    options = OptionsSerializer(required=False)


@extend_schema_field(FrameSerializer)
class FrameField(serializers.JSONField):
    """Documented as its serializer, read as it is."""

    default_error_messages = {"object": "must be an object with periods, uncertainty and, if you like, options"}

    def to_internal_value(self, data: Any) -> Any:
        found = super().to_internal_value(data)
        if not isinstance(found, dict):
            self.fail("object")
        return found


class NamesField(serializers.ListField):
    child = serializers.CharField(max_length=100, trim_whitespace=False)

    def __init__(self) -> None:
        super().__init__(max_length=MOST_NAMES, default=list)


class NewSeatSerializer(serializers.Serializer[Any]):
    participant = serializers.UUIDField(help_text="Id of an organisation; the coordinator may take a seat too.")
    mines = NamesField()
    centres = NamesField()
    users = NamesField()


class NewJointPlanSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)
    frame = FrameField()
    seats = NewSeatSerializer(many=True, min_length=1, max_length=MOST_SEATS)

    def arguments(self) -> dict[str, Any]:
        """Of `actions.found_joint_plan`."""
        seats = [
            Seat(str(seat["participant"]), tuple(seat["mines"]), tuple(seat["centres"]), tuple(seat["users"]))
            for seat in self.validated_data["seats"]
        ]
        return {**self.validated_data, "seats": seats}


class JointPlanSerializer(serializers.ModelSerializer[JointPlan]):
    coordinator = serializers.UUIDField(source="tenant_id")

    class Meta:
        model = JointPlan
        fields = ["id", "name", "coordinator", "coordinator_name", "created_at", "closed_at"]
        read_only_fields = fields


class SeatSerializer(serializers.ModelSerializer[JointSeat]):
    """Whose it is, the names that it brings and whether it is filled: never a figure."""

    is_filled = serializers.SerializerMethodField()
    is_withdrawn = serializers.BooleanField()
    is_yours = serializers.SerializerMethodField()

    class Meta:
        model = JointSeat
        fields = [
            *["participant", "participant_name", "mines", "centres", "users"],
            *["is_yours", "is_filled", "is_withdrawn", "version", "contributed_at"],
        ]
        read_only_fields = fields

    def get_is_filled(self, seat: JointSeat) -> bool:
        return seat.version > 0 and not seat.is_withdrawn

    def get_is_yours(self, seat: JointSeat) -> bool:
        return seat.participant_id == actor().tenant_id


class JointPlanDetailSerializer(serializers.Serializer[Any]):
    """A plan with what all share: frame and seats."""

    plan = JointPlanSerializer()
    frame = FrameField()
    seats = SeatSerializer(many=True)


class PartFormSerializer(serializers.Serializer[Any]):
    """A fragment of an instance (`plans/schema` describes its rows): your objects, and what starts or ends there."""

    mines = DocumentField(required=False)
    centres = DocumentField(required=False)
    mill_lanes = DocumentField(required=False)
    user_lanes = DocumentField(required=False)
    demands = DocumentField(required=False)
    budget = DocumentField(required=False, help_text="Name of a mine → how many of its locations may fall at once.")


class PartSerializer(serializers.ModelSerializer[JointPart]):
    class Meta:
        model = JointPart
        fields = ["id", "joint", "version", "digest", "contributed_by", "created_at"]
        read_only_fields = fields


class PartDetailSerializer(PartSerializer):
    document = DocumentField()

    class Meta(PartSerializer.Meta):
        fields = [*PartSerializer.Meta.fields, "document"]
        read_only_fields = fields


class WithdrawSerializer(serializers.Serializer[Any]):
    participant = serializers.UUIDField(
        required=False, default=None, help_text="Whose seat; your own if left out. Another's only as the coordinator."
    )


class JointSolveSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False, default="", help_text="The plan's if left out.")
    options = OptionsField(required=False, default=dict, help_text="They go before those of the frame.")


class ShareFilterSerializer(serializers.Serializer[Any]):
    joint = serializers.UUIDField(required=False, help_text="Only shares of this plan of several organisations.")
    plan = serializers.UUIDField(required=False, help_text="Only the share of this solve.")


class ShareSerializer(serializers.ModelSerializer[PlanShare]):
    """Everything but the flows, which have an address of their own."""

    plan = serializers.UUIDField(source="run_id", help_text="The solve; its row is the coordinator's.")
    joint_name = serializers.CharField(source="joint.name")
    coordinator = serializers.UUIDField(source="owner_id")
    coordinator_name = serializers.CharField(source="joint.coordinator_name")
    cost_terms_usd = serializers.DictField(child=serializers.FloatField(), allow_null=True)
    explanation = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = PlanShare
        fields = [
            *["id", "plan", "joint", "joint_name", "coordinator", "coordinator_name", "status", "message"],
            *["cost_usd", "cost_terms_usd", "explanation", "created_at"],
        ]
        read_only_fields = fields
