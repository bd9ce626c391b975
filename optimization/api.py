"""The public door of optimization for the other apps."""

from optimization.access import get_plan, latest_plan
from optimization.actions import request_plan
from optimization.outcome import PlanStatus

__all__ = ["PlanStatus", "get_plan", "latest_plan", "request_plan"]
