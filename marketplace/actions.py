"""The writes of the marketplace. Each runs in the caller's open transaction and announces in it.

The change of the task's state comes first in each, see `moves`.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from marketplace import queries
from marketplace.acceptance_queries import evidence_for, refuse_hopeless
from marketplace.bids.awarding import lose_all, refuse_contested
from marketplace.bids.opening import require_openers
from marketplace.bids.queries import bidders
from marketplace.contracts.actions import settle_claim
from marketplace.contracts.steps import bounded
from marketplace.crew.actions import release_all
from marketplace.data import ANSWER_D, DEADLINE_YEARS, NOTE_CHARS, TaskTerms
from marketplace.desk.notices import put_up
from marketplace.desk.posting import columns_of, invite, place_of, readings_of, snapshot_of
from marketplace.groups import of_other_groups
from marketplace.history import altered, enter_publication, enter_step, is_told, refuse_altered, tell_altered
from marketplace.lifecycle import ClaimState, State
from marketplace.lifecycle import Event as Move
from marketplace.models import Claim, ServiceTask
from marketplace.moves import hold_task, move_task, tell
from marketplace.opening import (
    EXTENDED,
    close_data,
    extended,
    open_data,
    refuse_opening_beyond,
    refuse_reopening,
    shut_by_hand,
    window_of,
)
from marketplace.sweeping import in_turn
from tenants.api import (
    as_platform,
    on_behalf_of,
    own_names,
    require,
)
from tenants.data import Actor, Conflict, FieldError, Forbidden, Invalid

SWEEP_LIMIT = 200
SILENCE: Final = f"Nobody answered within {ANSWER_D} days."


def post_task(
    *,
    terms: TaskTerms,
    site_id: UUID | None = None,
    equipment_id: UUID | None = None,
    alarm_id: UUID | None = None,
    plan_id: UUID | None = None,
    freeze_h: int = 0,
    evidence: Mapping[str, Any] | None = None,
) -> ServiceTask:
    """A draft about an own alarm, own equipment or an own site; what others will learn of it is frozen now.

    A plan that is named is evidence: what it says, and what of it is short, is frozen beside the place. So is what the
    machine measured in the last `freeze_h` hours, and what was gathered already, `evidence`.
    """
    owner = require("post_tasks")
    refuse_opening_beyond(owner, terms.opens)
    site, equipment, alarm = place_of(site_id, equipment_id, alarm_id)
    gathered = readings_of(equipment, alarm, freeze_h) | dict(evidence or {})
    snapshot = snapshot_of(site, equipment, alarm, plan_id, gathered)
    columns, invited = columns_of(terms, owner)
    task = ServiceTask.objects.create(
        tenant_id=owner.tenant_id,
        created_by_id=owner.user_id,
        site=site,
        equipment=equipment,
        alarm=alarm,
        snapshot=snapshot,
        **columns,
    )
    invite(task, invited)
    return task


def revise_task(*, task: ServiceTask, terms: TaskTerms) -> None:
    """Other terms for a draft, all of them anew; what it is about stays. Conflict once it is published."""
    owner = require("post_tasks")
    refuse_opening_beyond(owner, terms.opens)
    columns, invited = columns_of(terms, owner)
    drafts = ServiceTask.objects.filter(pk=task.pk, version=task.version, state=State.DRAFT)
    if not drafts.update(**columns, version=F("version") + 1, updated_at=Now()):
        task.refresh_from_db()
        raise Conflict(f"The task has changed and is {task.state} now; only a draft's terms can be changed.")
    task.refresh_from_db()
    invite(task, invited)


def publish_task(*, task: ServiceTask) -> None:
    """Offer the task to those to whom it is visible; they are told, as far as `queries.audience_of` goes."""
    refuse_opening_beyond(require("post_tasks"), tuple(task.opens))
    _refuse_deadline(task)
    refuse_hopeless(task)
    move_task(task, Move.PUBLISH, published_at=Now(), is_offered=True)
    require_openers(task)
    enter_publication(task)
    put_up(task)
    tell("task.published", task, to=queries.audience_of(task))


def _refuse_deadline(task: ServiceTask) -> None:
    if task.bids_until is None:
        return
    now = queries.database_time()
    if task.bids_until <= now:
        raise Invalid("The deadline is past.", (FieldError("/bids_until", "give a time to come"),))
    if task.bids_until > now + timedelta(days=366 * DEADLINE_YEARS):
        words = f"give a time within {DEADLINE_YEARS} years"
        raise Invalid("The deadline is too far off.", (FieldError("/bids_until", words),))


def cancel_task(*, task: ServiceTask) -> None:
    """Conflict while a complaint about its award is open: its firm is owed a decision."""
    require("post_tasks")
    move_task(task, Move.CANCEL)
    refuse_contested(task)
    lose_all(task, "The owner withdrew the task.")
    firms = bidders(task.pk)
    enter_step("task.cancelled", task, to=firms)
    tell("task.cancelled", task, to=firms)


def claim_task(*, task: ServiceTask) -> Claim:
    """Take the task on: exactly one firm does, and its agreement opens what the task offers, with this transaction."""
    firm = require("claim_tasks")
    if task.tenant_id == firm.tenant_id:
        raise Forbidden("Your own organisation posted this task; only another one can claim it.")
    _refuse_stranger_to_framework(task, firm)
    _refuse_shut_out(task, firm)
    move_task(task, Move.CLAIM, token=F("token") + 1)
    name, window = own_names().organisation, window_of(task, since=task.updated_at)
    with of_other_groups(), on_behalf_of(task.tenant_id):
        claim = Claim.objects.create(
            tenant_id=firm.tenant_id,
            owner_id=task.tenant_id,
            task=task,
            agreement=open_data(task, firm.tenant_id, name, window),
            firm_name=name,
            token=task.token,
            claimed_at=window[0],
            lease_until=window[1],
        )
    tell("task.claimed", task, claim=claim)
    return claim


def submit_work(*, claim: Claim, note: str = "") -> None:
    """The firm says the work is done, while its lease lasts; the owner decides within `ANSWER_D` days.

    What stored readings say of the rule of acceptance at this moment is kept with the claim and told to both.
    """
    require("claim_tasks")
    task = claim.task
    move_task(task, Move.SUBMIT)
    now = queries.database_time()
    claim.evidence, claim.answer_until = evidence_for(task, now), now + timedelta(days=ANSWER_D)
    done = {"work_note": _bounded(note), "evidence": claim.evidence, "answer_until": claim.answer_until}
    with on_behalf_of(claim.owner_id):
        in_time = Claim.objects.filter(pk=claim.pk, lease_until__gt=Now()).update(**done)
    if not in_time:
        raise Conflict(f"The lease was over at {claim.lease_until:%Y-%m-%d %H:%M:%S} UTC.")
    tell("task.submitted", task, claim=claim)
    if claim.evidence is not None:
        _tell_evidence(task, claim)


def _tell_evidence(task: ServiceTask, claim: Claim) -> None:
    parties = frozenset({claim.owner_id, claim.tenant_id})
    enter_step("task.evidence", task, to=parties, **(claim.evidence or {}))
    tell("task.evidence", task, to=parties, evidence=claim.evidence)


def accept_work(*, task: ServiceTask) -> None:
    """The owner accepts: the task is closed, and so is the data; a contract says what is owed for it."""
    require("post_tasks")
    _accept(task)


def _accept(task: ServiceTask, words: str = "") -> None:
    """By the owner's yes, or by its silence (`words`); NotAsEntered if the task is not what was published."""
    move_task(task, Move.ACCEPT)
    refuse_altered(task)
    claim = queries.live_claim(task.pk)
    _end_claim(claim, ClaimState.COMPLETED, "work accepted")
    settle_claim(task=task, claim=claim, words=words)
    tell("task.accepted", task, claim=claim, **_said(words))


def reject_work(*, task: ServiceTask, reason: str) -> None:
    """The owner refuses the work and says why: nothing is owed, and the task is open to all again."""
    require("post_tasks")
    words = bounded(reason, "reason", is_needed=True)
    move_task(task, Move.REJECT)
    claim = queries.live_claim(task.pk)
    _end_claim(claim, ClaimState.REJECTED, "work rejected")
    tell("task.rejected", task, claim=claim, reason=words)


def request_rework(*, task: ServiceTask, note: str = "") -> None:
    """The owner asks for more: lease and data begin anew, for the same time and by a new agreement."""
    owner, words = require("post_tasks"), bounded(note, "note")
    move_task(task, Move.REWORK)
    claim = queries.live_claim(task.pk)
    refuse_reopening(claim.agreement, owner)
    close_data(claim.agreement, "rework under a new agreement")
    window = window_of(task)
    agreement = open_data(task, claim.tenant_id, claim.firm_name, window)
    with on_behalf_of(task.tenant_id):
        anew = {"agreement": agreement, "lease_until": window[1], "answer_until": None}
        Claim.objects.filter(pk=claim.pk).update(**anew, rework_note=words)
    claim.agreement = agreement
    tell("task.reopened", task, claim=claim, **_said(words))


def extend_claim(*, task: ServiceTask, hours: int) -> None:
    """The owner gives the firm so many hours more: lease and data go on by a new agreement.

    Conflict unless the task is claimed and the lease still runs.
    """
    owner = require("post_tasks")
    refuse_opening_beyond(owner, tuple(task.opens))
    if task.state != State.CLAIMED:
        raise Conflict(f"A lease is extended while its task is claimed; this one is {task.state}.")
    hold_task(task)
    claim, now = queries.live_claim(task.pk), queries.database_time()
    if claim.lease_until <= now:
        raise Conflict(f"The lease was over at {claim.lease_until:%Y-%m-%d %H:%M:%S} UTC.")
    refuse_reopening(claim.agreement, owner)
    window = extended(claim.lease_until, hours, now)
    close_data(claim.agreement, EXTENDED)
    claim.agreement, claim.lease_until = open_data(task, claim.tenant_id, claim.firm_name, window), window[1]
    with on_behalf_of(task.tenant_id):
        claim.save(update_fields=["agreement", "lease_until"])
    tell("task.extended", task, claim=claim, lease_until=claim.lease_until.isoformat())


def release_claim(*, claim: Claim) -> None:
    """The firm gives the task back; it is open to all again and the data is closed."""
    require("claim_tasks")
    _reopen(claim, Move.RELEASE, ClaimState.RELEASED, "claim released")


def lapse_claims() -> int:
    """Reopen the tasks whose lease is over; each in a transaction of its own. Returns how many."""
    return _each(
        "leases", queries.lapsed_claims, lambda claim: _reopen(claim, Move.LAPSE, ClaimState.LAPSED, "lease over")
    )


def accept_unanswered() -> int:
    """Accept the work that its owner has not answered in time; returns how much there was.

    Where the task is not what was published both are told instead, once for each time that the firm said it was done.
    """
    return _each("work to be answered", queries.unanswered_claims, _accept_silently)


def _accept_silently(claim: Claim) -> None:
    """By the task as it was read with the claim: whoever answered or handed in anew meanwhile is first."""
    task = claim.task
    if not altered(task):
        _accept(task, SILENCE)
        return
    ServiceTask.objects.select_for_update().get(pk=task.pk)  # so that two sweeps don't both tell
    if not is_told(task, "task.altered", since="task.submitted"):
        tell_altered(task, frozenset({claim.tenant_id}))


def _each(what: str, due: Callable[[], QuerySet[Claim]], act: Callable[[Claim], None]) -> int:
    with _sweeping() as sweep:
        found = list(due().values_list("pk", flat=True)[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(found)

    def acted(claim_id: UUID) -> bool:
        with _sweeping():
            claim = due().select_related("task", "agreement").filter(pk=claim_id).first()
            if claim is not None:
                act(claim)
            return claim is not None

    return in_turn(what, found, acted)


def _sweeping() -> Any:
    return as_platform("sweep", "end claims whose lease is over, accept work that nobody answered")


def _reopen(claim: Claim, move: Move, outcome: ClaimState, reason: str) -> None:
    move_task(claim.task, move)
    _end_claim(claim, outcome, reason)
    tell("task.reopened", claim.task, claim=claim)


def _end_claim(claim: Claim, outcome: ClaimState, reason: str) -> None:
    was_shut = shut_by_hand(claim.agreement)
    with on_behalf_of(claim.owner_id):
        Claim.objects.filter(pk=claim.pk).update(state=outcome.value, ended_at=Now(), was_shut=was_shut)
    release_all(task_id=claim.task_id, firm_id=claim.tenant_id, reason=reason)
    close_data(claim.agreement, reason)


def _refuse_stranger_to_framework(task: ServiceTask, firm: Actor) -> None:
    """A call-off is for the framework's partner; the agreement itself sees to the framework's limits."""
    if task.framework_id is None:
        return
    with on_behalf_of(task.tenant_id):
        framework = task.framework
    if framework is not None and framework.partner_id != firm.tenant_id:
        raise Forbidden("This task is called off a framework agreement, to which your organisation is no party.")


def _refuse_shut_out(task: ServiceTask, firm: Actor) -> None:
    """Giving a task back and taking it again opens nothing that a party has shut; a first claim costs no look."""
    if task.token and Claim.objects.filter(task=task, tenant=firm.tenant_id, was_shut=True).exists():
        raise Conflict(
            "The agreement of your earlier claim on this task was ended or suspended while the claim lasted, so your "
            "organisation can't claim it again. Ask its owner, who may post another one."
        )


def _said(words: str) -> dict[str, Any]:
    return {"reason": words} if words else {}


def _bounded(note: str) -> str:
    if len(note) > NOTE_CHARS:
        raise Invalid("The note is too long.", (FieldError("/note", f"give at most {NOTE_CHARS} characters"),))
    return note
