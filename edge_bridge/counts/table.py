"""The balance of a gateway as a table in CSV."""

from collections.abc import Iterable
from dataclasses import astuple, fields

from edge_bridge.counts.queries import HourOfLane
from tenants.resources.sheets import written

COLUMNS = tuple(field.name for field in fields(HourOfLane))


def as_csv(hours: Iterable[HourOfLane]) -> bytes:
    """A line for each hour and lane; times in UTC."""
    return written(COLUMNS, ([hour.begins_at.isoformat(), *astuple(hour)[1:]] for hour in hours))
