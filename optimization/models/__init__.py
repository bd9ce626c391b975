from optimization.models.experiment import Experiment, ExperimentCase
from optimization.models.grade import GradeRetest, GradeSet, SampleBatch
from optimization.models.joint import JointPart, JointPlan, JointSeat, PlanShare
from optimization.models.plan import PlanRun
from optimization.models.requested import Requested
from optimization.models.scenario import PlanDecision, PlanRelease, Scenario, ScenarioVersion

__all__ = [
    "Experiment",
    "ExperimentCase",
    "GradeRetest",
    "GradeSet",
    "JointPart",
    "JointPlan",
    "JointSeat",
    "PlanDecision",
    "PlanRelease",
    "PlanRun",
    "PlanShare",
    "Requested",
    "SampleBatch",
    "Scenario",
    "ScenarioVersion",
]
