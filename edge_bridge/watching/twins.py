"""Twins that a supervisor relies on are judged by the cloud itself, from stored readings.

A rule of the kind `twin` runs in the mine's gateway, where the mine can switch it off. Where there is a mandate the
cloud judges by it all the same, and goes on for `JUDGED_ON` after it was switched off. Its alarm is of the site and of
nobody's gateway: shelved it still stands, and only twins that agree again clear it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge import protocol
from edge_bridge.alarms.cloud import Finding, clear_alarm, locked, raise_alarm
from edge_bridge.catalogue.data import rule_of
from edge_bridge.catalogue.guards import supervisors_of
from edge_bridge.models import Guard, Quality, Reading, RuleVersion, Series
from edge_bridge.rules.kinds import DetectorRule, Point, begin, judge, points
from edge_bridge.rules.several import Twin
from edge_bridge.sweeping import sweep_each
from tenants.api import as_platform
from tenants.models import Agreement

KIND: Final = "twin"
DISAGREE: Final = "twins_disagree"
JUDGED_ON: Final = timedelta(days=90)
# Long enough for the smoothed difference to forget how it began.
MEMORIES: Final = 5
SHORTEST, LONGEST = timedelta(minutes=10), timedelta(hours=1)
MOST_READINGS: Final = 20_000

Place = tuple[UUID, str]  # site and type of the alarm


def sweep_twins(now: datetime) -> int:
    """For everyone under a mandate; returns how many alarms were raised or cleared."""
    with as_platform("sweep", "twins that a mandate relies on") as platform:
        mandates = Agreement.objects.filter(kind=Agreement.Kind.MANDATE, status=Agreement.Status.ACTIVE)
        due = {*judged(now).filter(tenant__in=mandates.values("tenant")).values_list("tenant_id", flat=True)}
        platform.leaves_trace = bool(due)
    return sweep_each(due, "cloud:twins", lambda tenant_id: sweep_of(tenant_id, now))


def sweep_of(tenant_id: UUID, now: datetime) -> int:
    """One organisation's share, in the open transaction of its own."""
    changed = 0
    for (site_id, alarm_type), rules in _rules(now).items():
        verdicts = [_verdict(rule, site_id, now) for rule in rules]
        found = next((each for each in verdicts if isinstance(each, Finding)), None)
        standing = locked(alarm_type, tenant_id, site_id, None)
        if found is not None and (standing is None or not standing.stands):
            raise_alarm(found, tenant_id=tenant_id, site_id=site_id, now=now)
            changed += 1
        elif verdicts and all(each is True for each in verdicts):
            changed += clear_alarm(alarm_type, tenant_id=tenant_id, site_id=site_id, now=now)
    return changed


def judged(now: datetime) -> QuerySet[Guard]:
    """Of twin rules of safety, in force or switched off not long ago."""
    lately = Q(ended_at=None) | Q(ended_at__gt=now - JUDGED_ON)
    return Guard.objects.filter(lately, kind=KIND, is_safety=True)


def _rules(now: datetime) -> dict[Place, list[DetectorRule]]:
    """The newest version of each that was in force, where somebody has a mandate."""
    rows = judged(now).own().order_by("n").values_list("kept_rule", "n")
    found: dict[Place, list[DetectorRule]] = defaultdict(list)
    for kept_rule, n in dict(rows).items():
        version = RuleVersion.objects.select_related("rule").get(rule=kept_rule, n=n)
        rule = rule_of(version.rule.name, version.settings)
        if isinstance(rule, DetectorRule) and isinstance(rule.detector, Twin) and supervisors_of(version.rule):
            found[version.rule.site_id, f"{DISAGREE}.{rule.equipment}"].append(rule)
    return found


def _verdict(rule: DetectorRule, site_id: UUID, now: datetime) -> Finding | bool:
    """What is wrong, True if they agree, or False if not both have spoken: silence says neither."""
    assert isinstance(rule.detector, Twin)
    reach = min(max(SHORTEST, MEMORIES * timedelta(seconds=rule.detector.over_s)), LONGEST)
    state, spoke, last = begin(rule), set[Point](), None
    for reading in _readings(rule, site_id, now - reach, now):
        state, said = judge(rule, state, reading, reading.measured_at)
        last = said[-1] if said else last
        spoke.add((reading.equipment, reading.tag))
    if last is not None and rule.detector.is_raised(state):
        return Finding(f"{DISAGREE}.{rule.equipment}", rule.severity, rule.tag, last.value, last.limit, rule.name)
    return spoke == set(points(rule))


def _readings(rule: DetectorRule, site_id: UUID, since: datetime, until: datetime) -> Iterator[protocol.Reading]:
    sensors = _sensors(rule, site_id)
    rows = Reading.objects.own().filter(series__in=[*sensors], measured_at__gte=since, measured_at__lte=until)
    newest: Sequence[tuple[UUID, float, int, datetime]] = list(
        rows.order_by("-measured_at").values_list("series_id", "value", "quality", "measured_at")[:MOST_READINGS]
    )
    for series, value, quality, measured_at in reversed(newest):
        yield protocol.Reading(*sensors[series], value, protocol.Quality(Quality(quality).label), measured_at)


def _sensors(rule: DetectorRule, site_id: UUID) -> dict[UUID, Point]:
    wanted = set(points(rule))
    rows = Series.objects.own().filter(site=site_id, equipment__code__in={code for code, _ in wanted})
    found = rows.values_list("pk", "equipment__code", "tag")
    return {pk: (code, tag) for pk, code, tag in found if (code, tag) in wanted}
