"""The public door of production for the other apps, beside `edge_bridge.api`."""

from edge_bridge.models.production import MAX_CORRECTION_CHARS, MAX_NOTES_CHARS
from edge_bridge.production.access import get_handover
from edge_bridge.production.actions import correct_stop, draft_handover, set_rate, set_shifts, sign_handover
from edge_bridge.production.figures import HOUR, Cause, Figures
from edge_bridge.production.handovers import LEFT_OPEN, LeftOpen
from edge_bridge.production.queries import (
    Report,
    calendar,
    corrections_of,
    handovers_of,
    handovers_to_sign,
    report,
    span_of,
    stops,
)
from edge_bridge.production.time_model import OF_STOPS, Category, categorise

__all__ = [
    "HOUR",
    "LEFT_OPEN",
    "MAX_CORRECTION_CHARS",
    "MAX_NOTES_CHARS",
    "OF_STOPS",
    "Category",
    "Cause",
    "Figures",
    "LeftOpen",
    "Report",
    "calendar",
    "categorise",
    "correct_stop",
    "corrections_of",
    "draft_handover",
    "get_handover",
    "handovers_of",
    "handovers_to_sign",
    "report",
    "set_rate",
    "set_shifts",
    "sign_handover",
    "span_of",
    "stops",
]
