"""How one gets a plan of several organisations, a part, a share: fetched and authorised in one step, or refused."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from optimization.joint import queries
from optimization.models import JointPart, JointPlan, PlanShare
from tenants.api import actor, require
from tenants.data import Forbidden, NotFound


def get_joint_plan(joint_id: UUID, *, needs: str = "view_plans") -> JointPlan:
    """One that the actor's organisation coordinates or has a seat in."""
    require(needs)
    joint: JointPlan = _one(queries.joint_plans().filter(pk=joint_id))
    return joint


def get_coordinated(joint_id: UUID) -> JointPlan:
    """One that the actor's organisation coordinates; Forbidden to those who have but a seat in it."""
    joint = get_joint_plan(joint_id, needs="run_plans")
    if joint.tenant_id != actor().tenant_id:
        raise Forbidden("Only the organisation that coordinates the plan does this.")
    return joint


def get_part(part_id: UUID) -> JointPart:
    """A part that the actor's organisation has brought."""
    require("view_plans")
    part: JointPart = _one(queries.parts().filter(pk=part_id))
    return part


def get_share(share_id: UUID) -> PlanShare:
    """A share of the actor's organisation."""
    require("view_plans")
    share: PlanShare = _one(queries.shares().filter(pk=share_id))
    return share


def _one(rows: QuerySet[Any]) -> Any:
    row = rows.first()
    if row is None:
        raise NotFound
    return row
