"""What a machine measured lately, frozen as JSON: to be shown to those who may not look themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from edge_bridge.models import Quality
from edge_bridge.queries import SNAPSHOT_READINGS, series_of
from edge_bridge.readings.trends import Asked, trend
from tenants.models import Equipment

MOST_SERIES: Final = 20
GOOD: Final = Quality(Quality.GOOD).label


def machine_snapshot(machine: Equipment, *, hours: int) -> dict[str, Any]:
    """As `alarm_snapshot`, without an alarm: the last `hours` of an own machine, at most SNAPSHOT_READINGS of all tags.

    Where there are more, each stretch is there with its lowest and its highest.
    """
    until, series = datetime.now(UTC), list(series_of(machine)[:MOST_SERIES])
    asked = Asked(until - timedelta(hours=hours), until, points=SNAPSHOT_READINGS // max(len(series), 1))
    told = [(str(each.pk), band) for each in series for band in trend(each, asked).points if band.value is not None]
    return {
        "taken_at": until.isoformat(),
        "hours": hours,
        "equipment": {"id": str(machine.pk), "code": machine.code, "name": machine.name},
        "site": {"id": str(machine.site_id), "code": machine.site.code, "name": machine.site.name},
        "series": [{"id": str(each.pk), "tag": each.tag, "unit": each.unit} for each in series],
        "readings": [
            [key, band.at.isoformat(), band.value, GOOD] for key, band in sorted(told, key=lambda row: row[1].at)
        ],
    }
