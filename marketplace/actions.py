"""The writes of the marketplace. Each runs in the caller's open transaction and announces in it.

The change of the task's state comes first in each, see `moves`.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from edge_bridge.api import alarm_snapshot, get_alarm
from marketplace import queries
from marketplace.data import NOTE_CHARS, TaskTerms
from marketplace.lifecycle import ClaimState
from marketplace.lifecycle import Event as Move
from marketplace.models import Claim, ServiceTask
from marketplace.moves import move_task, own_name, tell
from tenants.api import (
    Use,
    agree_by_offer,
    as_platform,
    end_agreement,
    get_equipment,
    get_site,
    meter,
    on_behalf_of,
    require,
    tenants,
)
from tenants.data import Actor, Conflict, FieldError, Forbidden, Invalid

NOTICE_LIMIT = 500
SWEEP_LIMIT = 200


def post_task(
    *, terms: TaskTerms, site_id: UUID | None = None, equipment_id: UUID | None = None, alarm_id: UUID | None = None
) -> ServiceTask:
    """A draft about an own alarm, own equipment or an own site; what others will learn of it is frozen now."""
    owner = require("post_tasks")
    _refuse_opening_beyond(owner, terms.opens)
    site, equipment, alarm = _place(site_id, equipment_id, alarm_id)
    return ServiceTask.objects.create(
        tenant_id=owner.tenant_id,
        created_by_id=owner.user_id,
        site=site,
        equipment=equipment,
        alarm=alarm,
        snapshot=_snapshot(owner, site, equipment, alarm),
        title=terms.title.strip(),
        description=terms.description,
        category=terms.category,
        opens=sorted(set(terms.opens)),
        access_h=terms.access_h,
        fee_minor=terms.fee_minor,
        currency=terms.currency,
    )


def publish_task(*, task: ServiceTask) -> None:
    """Offer the task to every organisation; the listed ones are told, the first `NOTICE_LIMIT` of them."""
    _refuse_opening_beyond(require("post_tasks"), tuple(task.opens))
    move_task(task, Move.PUBLISH, published_at=Now())
    listed = tenants().filter(listed=True).order_by("pk").values_list("pk", flat=True)
    tell("task.published", task, to=frozenset(listed[:NOTICE_LIMIT]))


def cancel_task(*, task: ServiceTask) -> None:
    require("post_tasks")
    move_task(task, Move.CANCEL)
    tell("task.cancelled", task)


def claim_task(*, task: ServiceTask) -> Claim:
    """Take the task on: exactly one firm does, and its agreement opens what the task offers, with this transaction."""
    firm = require("claim_tasks")
    if task.tenant_id == firm.tenant_id:
        raise Forbidden("Your own organisation posted this task; only another one can claim it.")
    move_task(task, Move.CLAIM, token=F("token") + 1)
    window = _window(task)
    agreement = _open_data(task, firm.tenant_id, window)
    name = own_name(firm)
    with on_behalf_of(task.tenant_id):
        claim = Claim.objects.create(
            tenant_id=firm.tenant_id,
            owner_id=task.tenant_id,
            task=task,
            agreement=agreement,
            firm_name=name,
            token=task.token,
            claimed_at=window[0],
            lease_until=window[1],
        )
    tell("task.claimed", task, claim=claim)
    return claim


def submit_work(*, claim: Claim, note: str = "") -> None:
    """The firm says the work is done, while its lease lasts; the owner decides."""
    require("claim_tasks")
    move_task(claim.task, Move.SUBMIT)
    with on_behalf_of(claim.owner_id):
        in_time = Claim.objects.filter(pk=claim.pk, lease_until__gt=Now()).update(work_note=_bounded(note))
    if not in_time:
        raise Conflict(f"The lease was over at {claim.lease_until:%Y-%m-%d %H:%M:%S} UTC.")
    tell("task.submitted", claim.task, claim=claim)


def accept_work(*, task: ServiceTask) -> None:
    """The owner accepts: the task is closed, and so is the data, with this transaction."""
    require("post_tasks")
    move_task(task, Move.ACCEPT)
    claim = queries.live_claim(task.pk)
    _end_claim(claim, ClaimState.COMPLETED, "work accepted")
    meter(Use("marketplace", str(task.pk), "accepted_tasks", 1, ("task", str(task.pk)), counterpart_id=claim.tenant_id))
    tell("task.accepted", task, claim=claim)


def request_rework(*, task: ServiceTask, note: str = "") -> None:
    """The owner asks for more: lease and data begin anew, for the same time and by a new agreement."""
    require("post_tasks")
    move_task(task, Move.REWORK)
    claim = queries.live_claim(task.pk)
    _close_data(claim, "rework under a new agreement")
    window = _window(task)
    agreement = _open_data(task, claim.tenant_id, window)
    with on_behalf_of(task.tenant_id):
        Claim.objects.filter(pk=claim.pk).update(agreement=agreement, lease_until=window[1], rework_note=_bounded(note))
    tell("task.reopened", task, claim=claim)


def release_claim(*, claim: Claim) -> None:
    """The firm gives the task back; it is open to all again and the data is closed."""
    require("claim_tasks")
    _reopen(claim, Move.RELEASE, ClaimState.RELEASED, "claim released")


def lapse_claims() -> int:
    """Reopen the tasks whose lease is over; each in a transaction of its own. Returns how many."""
    with _sweeping() as sweep:
        lapsed = list(queries.lapsed_claims().values_list("pk", flat=True)[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(lapsed)
    return sum(_lapse(claim_id) for claim_id in lapsed)


def _lapse(claim_id: UUID) -> bool:
    try:
        with _sweeping():
            claim = queries.lapsed_claims().select_related("task", "agreement").filter(pk=claim_id).first()
            if claim is not None:
                _reopen(claim, Move.LAPSE, ClaimState.LAPSED, "lease over")
            return claim is not None
    except Conflict:
        return False  # the firm or another sweep was quicker; whatever is still owed, the next sweep finds


def _sweeping() -> Any:
    return as_platform("sweep", "reopen service tasks whose lease is over")


def _reopen(claim: Claim, move: Move, outcome: ClaimState, reason: str) -> None:
    move_task(claim.task, move)
    _end_claim(claim, outcome, reason)
    tell("task.reopened", claim.task, claim=claim)


def _end_claim(claim: Claim, outcome: ClaimState, reason: str) -> None:
    with on_behalf_of(claim.owner_id):
        Claim.objects.filter(pk=claim.pk).update(state=outcome.value, ended_at=Now())
    _close_data(claim, reason)


def _window(task: ServiceTask) -> tuple[datetime, datetime]:
    begins_at = queries.database_time()
    return begins_at, begins_at + timedelta(hours=task.access_h)


def _open_data(task: ServiceTask, firm_id: UUID, window: tuple[datetime, datetime]) -> Any:
    """The agreement of the offer, in force: on the equipment if the task names one, else on the site."""
    clauses = []
    if task.opens:
        with on_behalf_of(task.tenant_id):
            place = {"equipment": task.equipment} if task.equipment_id else {"site": task.site}
        clauses = [{**place, "permissions": task.opens, "during": window}]
    return agree_by_offer(
        owner_id=task.tenant_id,
        partner_id=firm_id,
        title=task.title,
        purpose=task.category,
        clauses=clauses,
        offered_by=task.created_by_id,
    )


def _close_data(claim: Claim, reason: str) -> None:
    """End the agreement, unless a party has done so before."""
    if claim.agreement.ended_at is None:
        end_agreement(agreement=claim.agreement, reason=reason)


def _place(site_id: UUID | None, equipment_id: UUID | None, alarm_id: UUID | None) -> tuple[Any, Any, Any]:
    """The own site, equipment and alarm that a task is about: what contains the one named follows from it."""
    site: Any = None
    equipment: Any = None
    alarm: Any = None
    if alarm_id is not None:
        alarm = get_alarm(alarm_id, needs="post_tasks")
        site, equipment = alarm.site, alarm.equipment
    elif equipment_id is not None:
        equipment = get_equipment(equipment_id, needs="post_tasks")
        site = equipment.site
    elif site_id is not None:
        site = get_site(site_id, needs="post_tasks")
    else:
        raise Invalid("Say what the task is about.", (FieldError("/site", "name a site, equipment or an alarm"),))
    for name, given, found in (("site", site_id, site), ("equipment", equipment_id, equipment)):
        if given is not None and given != found.pk:
            raise Invalid(f"The {name} is not where the rest is.", (FieldError(f"/{name}", "leave it out"),))
    return site, equipment, alarm


def _snapshot(owner: Actor, site: Any, equipment: Any, alarm: Any) -> dict[str, Any]:
    return {
        "owner_name": own_name(owner),
        "site_name": site.name,
        "site_kind": site.kind,
        "equipment_code": equipment and equipment.code,
        "equipment_name": equipment and equipment.name,
        "equipment_kind": equipment and equipment.kind,
        "evidence": alarm and alarm_snapshot(alarm),
    }


def _refuse_opening_beyond(offerer: Actor, opens: tuple[str, ...]) -> None:
    """Nobody offers to others what their own role may not do."""
    beyond = sorted(permission for permission in opens if not offerer.can(permission))
    if beyond:
        raise Invalid(f"Your role can't open '{beyond[0]}' to others.", (FieldError("/opens", "not yours to open"),))


def _bounded(note: str) -> str:
    if len(note) > NOTE_CHARS:
        raise Invalid("The note is too long.", (FieldError("/note", f"give at most {NOTE_CHARS} characters"),))
    return note
