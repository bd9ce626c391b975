"""The public door of readings made useful, beside `edge_bridge.api`."""

from edge_bridge.readings.catalogue import limits_of, lineage, own_series, unknown_tags
from edge_bridge.readings.daily import SensorDay, quality_by_day, worst
from edge_bridge.readings.spans import MissingSpan
from edge_bridge.readings.tags import TagDefinition, Verdict, definitions, judged, meaning
from edge_bridge.readings.trends import Asked, Trend, as_csv_rows, trend

__all__ = [
    "Asked",
    "MissingSpan",
    "SensorDay",
    "TagDefinition",
    "Trend",
    "Verdict",
    "as_csv_rows",
    "definitions",
    "judged",
    "limits_of",
    "lineage",
    "meaning",
    "own_series",
    "quality_by_day",
    "trend",
    "unknown_tags",
    "worst",
]
