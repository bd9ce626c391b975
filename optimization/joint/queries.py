"""The reads of plans of several organisations, under the open identity."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from optimization.joint_parts import Seat
from optimization.models import JointPart, JointPlan, JointSeat, PlanShare
from tenants.api import actor, on_behalf_of


def joint_plans() -> QuerySet[JointPlan]:
    """Those that the organisation coordinates or has a seat in."""
    me = actor().tenant_id
    seated = JointSeat.objects.filter(participant=me, joint=OuterRef("pk"))
    return JointPlan.objects.filter(Q(tenant=me) | Exists(seated))


def seats(joint: JointPlan) -> list[JointSeat]:
    """All seats of a plan that the actor may see: rows of the coordinator's, so they are read in its name."""
    with on_behalf_of(joint.tenant_id):
        return list(JointSeat.objects.filter(joint=joint).order_by("pk"))


def parts() -> QuerySet[JointPart]:
    """What the organisation itself has brought; the documents are fetched only when they are touched."""
    return JointPart.objects.defer("document")


def parts_for(joint_id: UUID) -> QuerySet[JointPart]:
    return parts().filter(joint=joint_id)


def shares() -> QuerySet[PlanShare]:
    """The organisation's own shares of plans of several."""
    return PlanShare.objects.filter(tenant=actor().tenant_id).select_related("joint").defer("plan", "joint__frame")


def shapes(rows: Sequence[JointSeat]) -> list[Seat]:
    """The seats as the core knows them."""
    return [Seat(str(row.participant_id), tuple(row.mines), tuple(row.centres), tuple(row.users)) for row in rows]
