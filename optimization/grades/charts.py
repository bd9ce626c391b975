"""The figures of a grade set: the samples with the set drawn over them, and the tests of the means."""

from optimization.drawing.chart import Chart, as_charts
from optimization.grades import queries
from optimization.models import GradeSet
from optimization.uncertainty.figures import figures_of
from optimization.uncertainty.mines import sets_of


def grade_charts(grade_set: GradeSet) -> list[Chart]:
    figures = figures_of(sets_of(grade_set.evidence), queries.samples_of(grade_set.batch_ids))
    return as_charts({f"figure-{k + 1}": figure for k, figure in enumerate(figures)}, "grades")
