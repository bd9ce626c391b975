"""The writes of plans of several organisations. Each runs in the caller's open transaction and announces in it.

A plan's row is locked before anything about its seats changes, in the coordinator's name: contributions, withdrawals,
solves and the close of one plan take turns.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import DateTimeField, Func
from django.db.models.functions import Now

from optimization.actions import request_plan, told_as_invalid
from optimization.canonical import digest_of
from optimization.data import InstanceError, Problem
from optimization.joint import queries
from optimization.joint_parts import OBJECTS, Seat, check_frame, check_part
from optimization.models import JointPart, JointPlan, JointSeat, PlanRun
from optimization.request import read_options
from tenants.api import actor, announce, new_id, on_behalf_of, require, tenants
from tenants.data import Conflict, Event, FieldError, Forbidden, Invalid

BAD_PLAN = "The plan can't be founded as it is."
BAD_PART = "The part can't be taken as it is."
# Once it is one's turn: the transaction may have begun before that of whoever had the turn before.
RIGHT_NOW = Func(function="clock_timestamp", output_field=DateTimeField())


def found_joint_plan(*, name: str, frame: Mapping[str, Any], seats: Sequence[Seat]) -> JointPlan:
    """Invite to a plan; a seat's participant is the organisation's id. Each of them is told.

    Invalid with pointers below `/frame` and `/seats`.
    """
    coordinator = require("run_plans")
    names = _names_of([UUID(seat.participant) for seat in seats])
    with told_as_invalid(BAD_PLAN):
        check_frame(frame, seats)
        kept = {**frame, "options": _options(frame.get("options", {}))}
    joint = JointPlan.objects.create(
        tenant_id=coordinator.tenant_id,
        name=name,
        coordinator_name=tenants().get(pk=coordinator.tenant_id).name,
        frame=kept,
        created_by_id=coordinator.user_id,
    )
    for seat in seats:
        who = UUID(seat.participant)
        held = {f"{kind}s": list(seat.names(kind)) for kind in OBJECTS}
        JointSeat.objects.create(
            tenant_id=joint.tenant_id, joint=joint, participant_id=who, participant_name=names[who], **held
        )
    _announce("plan.invited", joint, to=frozenset(names))
    return joint


def contribute(*, joint: JointPlan, part: object) -> JointPart:
    """Bring a further version of the actor's part; Invalid with pointers into it. It joins the plan by this."""
    bringer = require("run_plans")
    seats = queries.seats(joint)
    seat = _seat_of(seats, bringer.tenant_id)
    held = queries.shapes(seats)
    with told_as_invalid(BAD_PART):
        check_part(joint.frame, held, held[seats.index(seat)], part)
    row = JointPart(pk=new_id(), tenant_id=bringer.tenant_id, owner_id=joint.tenant_id, joint=joint)
    row.document = _as_stored(part)
    row.digest = part_digest(row.pk, row.document)
    row.contributed_by_id = bringer.user_id
    with on_behalf_of(joint.tenant_id):
        row.version = _locked_seat(joint, seat.pk).version + 1
        filled = {"version": row.version, "digest": row.digest, "contributed_at": RIGHT_NOW}
        JointSeat.objects.filter(pk=seat.pk).update(**filled)
    row.save(force_insert=True)
    _announce("plan.part", joint, seat, status="contributed", version=row.version)
    return row


def withdraw(*, joint: JointPlan, participant: UUID | None = None) -> None:
    """Take the own part out of the plans to come; the coordinator may do so for any seat. Shares stay with each."""
    who = require("run_plans")
    if participant not in (None, who.tenant_id) and who.tenant_id != joint.tenant_id:
        raise Forbidden("Only the organisation that coordinates the plan withdraws the part of another.")
    seat = _seat_of(queries.seats(joint), participant or who.tenant_id)
    with on_behalf_of(joint.tenant_id):
        if _locked_seat(joint, seat.pk).is_withdrawn:
            raise Conflict("The part is withdrawn already.")
        JointSeat.objects.filter(pk=seat.pk).update(withdrawn_at=RIGHT_NOW)
    _announce("plan.part", joint, seat, status="withdrawn")


def solve_joint_plan(*, joint: JointPlan, name: str, options: object) -> PlanRun:
    """Ask for a plan of all parts that are not withdrawn; `options` go before those of the frame."""
    require("run_plans")
    _locked(joint)
    seats = queries.seats(joint)
    brought = [seat for seat in seats if not seat.is_withdrawn]
    if waiting := [seat.participant_name for seat in brought if not seat.version]:
        raise Conflict(f"{waiting[0]} has not brought its part: wait for it, or withdraw its seat.")
    for kind in OBJECTS:
        if not any(getattr(seat, f"{kind}s") for seat in brought):
            raise Conflict(f"Without the withdrawn parts there is no {kind} left to plan for.")
    return request_plan(
        name=name or joint.name,
        instance={},
        options={**joint.frame["options"], **options} if isinstance(options, Mapping) else options,
        joint=joint,
        parts=[{"participant": str(s.participant_id), "version": s.version, "digest": s.digest} for s in brought],
    )


def close_joint_plan(*, joint: JointPlan) -> None:
    """No part is taken and nothing is solved from now on; a plan that is under way still comes to its end."""
    require("run_plans")
    _locked(joint)
    JointPlan.objects.filter(pk=joint.pk).update(closed_at=Now())
    joint.refresh_from_db(fields=["closed_at"])


def part_digest(part_id: UUID, document: Any) -> str:
    return digest_of([str(part_id), document])


def _locked(joint: JointPlan) -> None:
    """Wait for one's turn at the plan; Conflict if it is closed. Under the coordinator's identity."""
    row = JointPlan.objects.select_for_update(no_key=True).only("closed_at").get(pk=joint.pk)
    if row.closed_at is not None:
        raise Conflict(f"The plan was closed at {row.closed_at:%Y-%m-%d %H:%M:%S} UTC.")


def _locked_seat(joint: JointPlan, seat_id: UUID) -> JointSeat:
    """As it stands once it is one's turn."""
    _locked(joint)
    return JointSeat.objects.get(pk=seat_id)


def _seat_of(seats: Sequence[JointSeat], participant: UUID) -> JointSeat:
    seat = next((seat for seat in seats if seat.participant_id == participant), None)
    if seat is not None:
        return seat
    if participant == actor().tenant_id:
        raise Forbidden("Your organisation has no seat in this plan.")
    raise Invalid("Nobody is withdrawn.", (FieldError("/participant", "has no seat in this plan"),))


def _names_of(wanted: Sequence[UUID]) -> dict[UUID, str]:
    """Names by id, kept with the seats since not everybody can look up everybody."""
    found = dict(tenants().filter(pk__in=wanted).values_list("pk", "name"))
    errors = [
        FieldError(
            f"/seats/{k}/participant", "is no organisation that you can see" if who not in found else "has two seats"
        )
        for k, who in enumerate(wanted)
        if who not in found or who in wanted[:k]
    ]
    if errors:
        raise Invalid(BAD_PLAN, tuple(errors))
    return found


def _options(given: object) -> dict[str, Any]:
    try:
        return asdict(read_options(given, time_limit_s=settings.PLAN_TIME_LIMIT_S))
    except InstanceError as error:
        raise InstanceError([Problem(f"/frame{p.path}", p.message) for p in error.problems]) from error


def _as_stored(part: object) -> Any:
    """As the database gives it back, which knows no negative zero, so that its digest stays what it is."""
    return json.loads(json.dumps(part), parse_float=lambda text: float(text) + 0.0)


def _announce(
    kind: str, joint: JointPlan, seat: JointSeat | None = None, to: frozenset[UUID] = frozenset(), **news: Any
) -> None:
    body = {"joint": str(joint.pk), "name": joint.name, "coordinator_name": joint.coordinator_name, **news}
    if seat is not None:
        body |= {"participant": str(seat.participant_id), "participant_name": seat.participant_name}
        to |= {seat.participant_id}
    announce(Event(kind=kind, body=body, permission="view_plans", owner_id=joint.tenant_id, to=to))
