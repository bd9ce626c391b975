"""An alarm of an analyser of ore: what it measured is held against the sets of grades, which decide whether it drifted.

The means of whole hours stand for samples: single readings follow each other too closely to count as such.
"""

from collections.abc import Iterable, Set
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from edge_bridge.api import get_alarm, series_of, summary
from edge_bridge.readings.units import Conversion, OtherQuantity, UnknownUnit, conversion
from marketplace.models import ReactionSwitch
from marketplace.reactions.data import Outcome
from optimization.api import ALL_MINES, GradeSample, add_grade_samples, fitted_places, grade_retests
from tenants.api import enter
from tenants.data import Conflict
from tenants.models import FeedEvent, Site

SPAN: Final = timedelta(hours=24)
HOUR_S: Final = 3600
WORDS_KEPT: Final = 5
MOST_NAMED: Final = 10
Place = tuple[str, str, str]


def of_analyser(subject: UUID, event: FeedEvent, switch: ReactionSwitch) -> tuple[None, Outcome, str]:
    """A batch of its hours, held against the newest sets; done if one of them no longer holds: `grades.drifted`."""
    alarm = get_alarm(subject)
    if alarm.equipment is None or alarm.tenant_id != switch.tenant_id:
        raise Conflict("The alarm names no machine of yours, so nobody knows what was measured.")
    place = place_of(fitted_places(), _names_of(alarm.site), _folded((alarm.equipment.code, alarm.equipment.name)))
    samples = _hours(alarm, place)
    if not samples:
        raise Conflict(f"{alarm.equipment.code} has no whole hour of good readings in the day before.")
    source = f"{alarm.tag} of {alarm.equipment.code}, {len(samples)} hours"
    batch, is_known = add_grade_samples(source=source, samples=samples, is_telemetry=True)
    verdicts = list(grade_retests(batch=batch))
    facts = {"alarm": alarm.pk, "hours": len(samples), "sets": [_verdict(each) for each in verdicts]}
    enter(kind="grades.retested", subject=batch.pk, payload=facts)
    words = [line for each in verdicts for line in each.report["words"]][:WORDS_KEPT]
    found = Outcome.NOTHING if all(each.is_holding for each in verdicts) else Outcome.DONE
    return None, Outcome.KNOWN if is_known else found, f"{source}: {'; '.join(words)}"


def place_of(known: Set[Place], mines: Set[str], machine: Set[str]) -> Place:
    """Where the ore is from, by names: the mine of the site, and the location that is called like the analyser or is
    the only one. Conflict in words where that is no or more than one place. `mines` and `machine` are case-folded."""
    of_mine = sorted(place for place in known if place[0] == ALL_MINES or place[0].casefold() in mines)
    if not of_mine:
        raise Conflict("No set of grades has a mine of the site's name or code: there is nothing to hold it against.")
    found = [place for place in of_mine if place[1].casefold() in machine] or of_mine
    if len(found) > 1:
        named = "; ".join(f"{location}, cut-off {cutoff}" for _, location, cutoff in found[:MOST_NAMED])
        raise Conflict(f"Which ore it measures isn't known: call the analyser like one location of these: {named}.")
    return found[0]


def _names_of(site: Site) -> Set[str]:
    """Of the mine, and where it is a mill, of the one before it."""
    sites: list[Site] = [site] if site.mine is None else [site, site.mine]
    return _folded(name for each in sites for name in (each.code, each.name))


def _folded(names: Iterable[str]) -> Set[str]:
    return {name.casefold() for name in names}


def _hours(alarm: Any, place: Place) -> list[GradeSample]:
    """What is no fraction is no grade and left out."""
    series = series_of(alarm.equipment).filter(tag=alarm.tag, site=alarm.site_id).first()
    if series is None:
        return []
    mine, location, cutoff = place
    until = alarm.occurred_at
    told = summary(series, since=until - SPAN, until=until, bucket_s=HOUR_S).buckets
    to_frac = _conversion(series.unit)
    hours = [(bucket.begins_at, to_frac(bucket.mean)) for bucket in told if bucket.mean is not None]
    of = {"source": f"{alarm.equipment.code} {alarm.tag}", "mine": mine, "location": location, "cutoff": cutoff}
    return [GradeSample(value_frac=value, taken_at=at, **of) for at, value in hours if 0 <= value <= 1]


def _conversion(unit: str) -> Conversion:
    try:
        return conversion(unit, "1")
    except (UnknownUnit, OtherQuantity) as error:
        raise Conflict(f"What was measured is no grade: {error} Give its unit as % or 1.") from None


def _verdict(retest: Any) -> dict[str, Any]:
    said = {"set": retest.grade_set_id, "name": retest.grade_set.name, "version": retest.grade_set.version}
    return said | {"is_holding": retest.is_holding, "verdict": retest.report["drift"]}
