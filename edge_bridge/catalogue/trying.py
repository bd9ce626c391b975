"""Backtests from the wish to the result: asked for, taken up by one worker, cancelled, given up when it is silent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from edge_bridge.catalogue.access import get_trial, version_of
from edge_bridge.models import KeptRule, RuleTrial, TrialStatus
from edge_bridge.models.rule import OPEN
from tenants.api import announce, enter, opened, require
from tenants.data import Conflict, Event, FieldError, Invalid
from tenants.task import send_as

RUN_TRIAL = "edge_bridge.run_trial"
LONGEST_SPAN = timedelta(days=31)
LONGEST_LEAD_S = 86400.0
SILENT_WORKER = timedelta(seconds=60)
LONGEST_QUEUE = timedelta(minutes=30)
MOST_LABELS = 200
TOLD_STEPS = 10  # of progress, on the feed
GIVEN_UP = "No worker carried it through; ask for it again."


@dataclass(frozen=True, slots=True)
class Label:
    """Something that was wrong from `start` to `end`; its harm was there at `due`."""

    start: datetime
    end: datetime
    due: datetime
    words: str = ""


def request_trial(
    *,
    rule: KeptRule,
    n: int | None,
    since: datetime,
    until: datetime,
    labels: Sequence[Label] = (),
    alarm_types: Collection[str] | None = None,
    lead_s: float = 900.0,
    is_sent: bool = True,
) -> RuleTrial:
    """Owe a backtest of version `n` (None: the newest) over the readings of [since, until).

    Known are the labels, and alarms of the rule's equipment: those of `alarm_types`, or for None all that other rules
    raised. An alarm of the rule is a hit from `lead_s` before them on.
    """
    who = require("manage_rules")
    version = version_of(rule, n)
    _check_span(since, until)
    if version.settings.get("kind") == "clock":
        raise Conflict(
            "A rule on a sensor's clock can't be tried: stored readings do not say when the gateway heard them. "
            "Enable it with this as the reason."
        )
    if len(labels) > MOST_LABELS:
        raise Invalid("Too many labels.", (FieldError("/labels", f"at most {MOST_LABELS}"),))
    for at, label in enumerate(labels):
        _check_label(label, f"/labels/{at}")
    asked = {
        "labels": [_shown(label) for label in labels],
        "alarm_types": None if alarm_types is None else sorted(alarm_types),
        "lead_s": lead_s,
    }
    trial = RuleTrial(tenant_id=who.tenant_id, version=version, since=since, until=until, asked=asked)
    trial.asked_by_id = who.user_id
    try:
        with transaction.atomic():
            trial.save(force_insert=True)
    except IntegrityError:
        raise Conflict("A backtest of this version is under way; wait for it or cancel it.") from None
    _tell_progress(trial)
    if is_sent:
        send = partial(send_as, who, RUN_TRIAL, str(trial.pk), queue="default")
        transaction.on_commit(send, using=opened().alias)
    return trial


def take_up(trial_id: UUID) -> RuleTrial | None:
    """Make the caller its worker; None if it is over, or in the hands of one that lives."""
    now = datetime.now(UTC)
    forsaken = Q(status=TrialStatus.RUNNING, heartbeat_at__lt=now - SILENT_WORKER)
    row = RuleTrial.objects.filter(Q(status=TrialStatus.QUEUED) | forsaken, pk=trial_id)
    if not row.update(status=TrialStatus.RUNNING, heartbeat_at=now, done_frac=0.0):
        return None
    return get_trial(trial_id)


def note_progress(trial: RuleTrial, done_frac: float) -> bool:
    """A sign of life. False if it should stop; then it is cancelled."""
    running = RuleTrial.objects.filter(pk=trial.pk, status=TrialStatus.RUNNING)
    if running.filter(cancel_requested_at__isnull=False).exists():
        _end(trial, TrialStatus.CANCELLED, "Cancelled while it ran.")
        return False
    is_mine = bool(running.update(heartbeat_at=datetime.now(UTC), done_frac=done_frac))
    is_told = int(trial.done_frac * TOLD_STEPS) < int(done_frac * TOLD_STEPS)
    trial.done_frac = done_frac
    if is_mine and is_told:
        _tell_progress(trial)
    return is_mine


def finish_trial(trial: RuleTrial, result: dict[str, Any], message: str = "") -> bool:
    """False, and nothing is kept, if it was cancelled or given up meanwhile."""
    return _end(trial, TrialStatus.DONE, message, result)


def fail_trial(trial: RuleTrial, message: str) -> bool:
    return _end(trial, TrialStatus.FAILED, message)


def cancel_trial(*, trial: RuleTrial) -> RuleTrial:
    """At once if it waits, within some seconds if it runs."""
    require("manage_rules")
    if not RuleTrial.objects.filter(pk=trial.pk, status__in=OPEN).update(cancel_requested_at=datetime.now(UTC)):
        raise Conflict("The backtest is over; there is nothing to cancel.")
    trial = get_trial(trial.pk)
    if trial.status == TrialStatus.QUEUED:
        _end(trial, TrialStatus.CANCELLED, "Cancelled before it began.")
    return get_trial(trial.pk)


def give_up_forsaken(now: datetime) -> int:
    """Trials whose worker is silent, and such as none took up. Platform only."""
    silent = Q(status=TrialStatus.RUNNING, heartbeat_at__lt=now - 5 * SILENT_WORKER)
    waiting = Q(status=TrialStatus.QUEUED, created_at__lt=now - LONGEST_QUEUE)
    over = {"status": TrialStatus.FAILED, "message": GIVEN_UP, "finished_at": now}
    return RuleTrial.objects.filter(silent | waiting).update(**over)


def _end(trial: RuleTrial, status: TrialStatus, message: str, result: dict[str, Any] | None = None) -> bool:
    over = {"status": status, "message": message, "result": result, "finished_at": datetime.now(UTC)}
    done = {"done_frac": 1.0} if result is not None else {}
    if not RuleTrial.objects.filter(pk=trial.pk, status__in=OPEN).update(**over, **done):
        return False
    said = _said(trial, status)
    if result is not None:
        counts = {name: result[name] for name in ("n_readings", "n_alarms", "hits", "misses", "false_alarms")}
        enter(kind="rule.backtested", subject=trial.version.rule_id, payload={**said, **counts})
        said |= counts | {"false_alarms_per_week": result["false_alarms_per_week"], "lead_s": result["lead_s"]}
    announce(Event("rule.backtested", {**said, "message": message}, "view_alarms"))
    return True


def _tell_progress(trial: RuleTrial) -> None:
    said = _said(trial, TrialStatus.RUNNING if trial.done_frac else TrialStatus.QUEUED)
    announce(Event("rule.progress", {**said, "done_frac": trial.done_frac}, "view_alarms"))


def _said(trial: RuleTrial, status: TrialStatus) -> dict[str, Any]:
    version = trial.version
    return {"rule": str(version.rule_id), "version": version.n, "trial": str(trial.pk), "status": str(status)}


def _check_span(since: datetime, until: datetime) -> None:
    if not since < until <= since + LONGEST_SPAN:
        message = f"after since, and at most {LONGEST_SPAN.days} days after it"
        raise Invalid("The span of time is out of bounds.", (FieldError("/until", message),))


def _check_label(label: Label, pointer: str) -> None:
    if not label.start <= label.end:
        raise Invalid("A label ends before it begins.", (FieldError(f"{pointer}/end", "not before start"),))
    if label.due < label.start:
        raise Invalid("A label's harm is before it began.", (FieldError(f"{pointer}/due", "not before start"),))


def _shown(label: Label) -> dict[str, str]:
    times = {name: getattr(label, name).isoformat() for name in ("start", "end", "due")}
    return {**times, "words": label.words}
