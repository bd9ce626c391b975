"""The public door of optimization for the other apps."""

from optimization.access import get_plan, latest_plan, whole_plan, whole_plans
from optimization.actions import cancel_plan, request_plan
from optimization.drawing import DARK, MARKABLE, MIDDLE, SMALL, Chart, Look, svg_of
from optimization.explain.figures import bridge
from optimization.explanations import plan_charts, plan_snapshot
from optimization.grades.access import get_set as get_grade_set
from optimization.grades.access import newest_grade_set
from optimization.grades.actions import add_samples as add_grade_samples
from optimization.grades.actions import fit_set as fit_grade_set
from optimization.grades.charts import grade_charts
from optimization.grades.queries import batches as grade_batches
from optimization.grades.queries import fitted_places
from optimization.grades.queries import retests as grade_retests
from optimization.grades.queries import told_sets as grade_sets
from optimization.joint.access import get_joint_plan, get_share
from optimization.joint.queries import joint_plans
from optimization.joint.queries import seats as joint_seats
from optimization.joint.queries import shares as plan_shares
from optimization.outcome import PlanStatus
from optimization.queries import plans, plans_with_scenarios
from optimization.scenarios.access import released_plan
from optimization.scenarios.actions import decide, found_scenario, release_plan
from optimization.scenarios.overview import Standing, standings
from optimization.scenarios.queries import compared, decision_on, release_of, releases, scenarios
from optimization.studies.access import get_experiment
from optimization.studies.actions import cancel_study, request_study
from optimization.studies.charts import shown_by, study_charts
from optimization.studies.queries import experiments
from optimization.uncertainty.samples import ALL as ALL_MINES
from optimization.uncertainty.samples import Sample as GradeSample
from optimization.workbook.csv_tables import csv_bytes

__all__ = [
    "ALL_MINES",
    "DARK",
    "MARKABLE",
    "MIDDLE",
    "SMALL",
    "Chart",
    "GradeSample",
    "Look",
    "PlanStatus",
    "Standing",
    "add_grade_samples",
    "bridge",
    "cancel_plan",
    "cancel_study",
    "compared",
    "csv_bytes",
    "decide",
    "decision_on",
    "experiments",
    "fit_grade_set",
    "fitted_places",
    "found_scenario",
    "get_experiment",
    "get_grade_set",
    "get_joint_plan",
    "get_plan",
    "get_share",
    "grade_batches",
    "grade_charts",
    "grade_retests",
    "grade_sets",
    "joint_plans",
    "joint_seats",
    "latest_plan",
    "newest_grade_set",
    "plan_charts",
    "plan_shares",
    "plan_snapshot",
    "plans",
    "plans_with_scenarios",
    "release_of",
    "release_plan",
    "released_plan",
    "releases",
    "request_plan",
    "request_study",
    "scenarios",
    "shown_by",
    "standings",
    "study_charts",
    "svg_of",
    "whole_plan",
    "whole_plans",
]
