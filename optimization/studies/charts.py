"""The figures of a study, each with its points."""

from optimization.drawing.chart import Chart, as_charts
from optimization.experiments.studies import STUDIES, figures_of
from optimization.models import Experiment


def study_charts(run: Experiment) -> list[Chart]:
    """None as long as no row is there."""
    rows = (run.summary or {}).get("rows")
    return as_charts(figures_of(run.kind, rows), "study") if rows else []


def shown_by(kind: str) -> str:
    """What a study of this kind shows."""
    return STUDIES[kind].shows
