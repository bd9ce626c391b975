"""The public door of optimization for the other apps."""

from optimization.access import get_plan, latest_plan
from optimization.actions import cancel_plan, request_plan
from optimization.grades.access import newest_grade_set
from optimization.grades.queries import retests as grade_retests
from optimization.outcome import PlanStatus
from optimization.queries import plans
from optimization.scenarios.access import released_plan

__all__ = [
    "PlanStatus",
    "cancel_plan",
    "get_plan",
    "grade_retests",
    "latest_plan",
    "newest_grade_set",
    "plans",
    "released_plan",
    "request_plan",
]
