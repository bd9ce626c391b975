"""A backtest in a worker: six hours of readings at a time, each in a short transaction of its own."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from edge_bridge import protocol
from edge_bridge.alarm import Event
from edge_bridge.catalogue.data import equipment_of, rule_of
from edge_bridge.catalogue.trials import Known, Trial, known_by_alarm, labels_of
from edge_bridge.catalogue.trying import fail_trial, finish_trial, note_progress, take_up
from edge_bridge.models import AlarmChange, Quality, Reading, RuleTrial, Series
from edge_bridge.rules.kinds import AnyRule, alarm_types, points
from tenants.api import acting_as
from tenants.data import Actor

AT_ONCE = timedelta(hours=6)
MOST_READINGS = 3_000_000
MOST_ALARMS = 5_000
MOST_KNOWN = 1_000

Sensors = dict[UUID, tuple[str, str]]  # series → equipment, tag


def carry_out(actor: Actor, trial_id: UUID) -> None:
    """Take it up, judge, release the result. A second delivery finds nothing to take up."""
    with acting_as(actor):
        asked = take_up(trial_id)
        if asked is None:
            return
        rule = rule_of(asked.version.rule.name, asked.version.settings)
        sensors, known = _sensors(asked, rule), _known(asked, rule)
    trial = Trial(rule, asked.since, asked.until)
    message = ""
    for start, end in _spans(asked.since, asked.until):
        with acting_as(actor):
            trial.take(_readings(asked, sensors, start, end))
            if not note_progress(asked, (end - asked.since) / (asked.until - asked.since)):
                return
        if trial.n_readings >= MOST_READINGS or len(trial.raised_at) >= MOST_ALARMS:
            counts = f"{trial.n_readings} readings and {len(trial.raised_at)} alarms"
            message = f"Stopped after {counts}, at {end:%Y-%m-%d %H:%M} UTC: ask for less at a time."
            known = [each for each in known if each.end_at <= end]
            break
    with acting_as(actor):
        if trial.n_readings:
            finish_trial(asked, trial.result(known), message)
        else:
            fail_trial(asked, "No reading of these sensors is stored in that time.")


def _spans(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        end = min(since + AT_ONCE, until)
        yield since, end
        since = end


def _sensors(asked: RuleTrial, rule: AnyRule) -> Sensors:
    wanted = set(points(rule))
    rows = Series.objects.filter(
        tenant=asked.tenant_id, site=asked.version.rule.site_id, equipment__code__in={code for code, _ in wanted}
    ).select_related("equipment")
    return {row.pk: (row.equipment.code, row.tag) for row in rows if (row.equipment.code, row.tag) in wanted}


def _readings(asked: RuleTrial, sensors: Sensors, start: datetime, end: datetime) -> Iterator[protocol.Reading]:
    rows = Reading.objects.own().filter(
        tenant=asked.tenant_id, series__in=[*sensors], measured_at__gte=start, measured_at__lt=end
    )
    found = rows.order_by("measured_at").values_list("series_id", "value", "quality", "measured_at")
    for series, value, quality, measured_at in found.iterator(chunk_size=5_000):
        yield protocol.Reading(*sensors[series], value, protocol.Quality(Quality(quality).label), measured_at)


def _known(asked: RuleTrial, rule: AnyRule) -> list[Known]:
    """Labels that reach into the time that is judged, and alarms as they were raised in it."""
    labels = labels_of(asked.asked["labels"])
    types, lead_s = asked.asked["alarm_types"], asked.asked["lead_s"]
    raised = AlarmChange.objects.own().filter(
        alarm__tenant=asked.tenant_id,
        alarm__site=asked.version.rule.site_id,
        alarm__equipment__code__in=equipment_of(rule),
        event=Event.RAISED,
        occurred_at__gte=asked.since,
        occurred_at__lt=asked.until,
    )
    if types is None:
        raised = raised.exclude(alarm__alarm_type__in=alarm_types(rule))
    else:
        raised = raised.filter(alarm__alarm_type__in=types)
    rows = raised.order_by("occurred_at").values_list("alarm__alarm_type", "occurred_at")[:MOST_KNOWN]
    inside = [each for each in labels if each.start_at < asked.until and each.end_at >= asked.since]
    return inside + [known_by_alarm(what, at, lead_s) for what, at in rows]
