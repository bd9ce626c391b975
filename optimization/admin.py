"""What the two administrations show of the plans."""

from optimization.models import (
    Experiment,
    ExperimentCase,
    GradeRetest,
    GradeSet,
    JointPart,
    JointPlan,
    JointSeat,
    PlanDecision,
    PlanRelease,
    PlanRun,
    PlanShare,
    SampleBatch,
    Scenario,
    ScenarioVersion,
)
from tenants.admin_sites import ReadOnly, show


class PlanRunAdmin(ReadOnly):
    list_display = ("name", "status", "attempt", "requested_by", "created_at", "finished_at", "message")
    list_filter = ("status",)
    search_fields = ("name",)
    exclude = ("instance", "plan")


class ScenarioAdmin(ReadOnly):
    list_display = ("name", "version", "created_by", "created_at", "archived_at")
    search_fields = ("name",)


class ScenarioVersionAdmin(ReadOnly):
    list_display = ("scenario", "number", "base", "note", "created_by", "created_at")
    list_select_related = ("scenario", "base", "created_by")
    exclude = ("instance",)


class PlanDecisionAdmin(ReadOnly):
    list_display = ("run", "is_approved", "decided_by", "decided_at", "reason")
    list_filter = ("is_approved",)


class PlanReleaseAdmin(ReadOnly):
    list_display = ("number", "run", "scenario", "released_by", "released_at", "digest")


class SampleBatchAdmin(ReadOnly):
    list_display = ("source", "is_telemetry", "n", "digest", "created_by", "created_at")
    search_fields = ("source",)
    exclude = ("samples",)


class GradeSetAdmin(ReadOnly):
    list_display = ("name", "version", "created_by", "created_at")
    search_fields = ("name",)
    exclude = ("evidence",)


class GradeRetestAdmin(ReadOnly):
    list_display = ("grade_set", "batch", "is_holding", "created_at")
    list_select_related = ("grade_set", "batch")
    list_filter = ("is_holding",)


class ExperimentAdmin(ReadOnly):
    list_display = ("name", "kind", "status", "attempt", "requested_by", "created_at", "finished_at", "message")
    list_filter = ("kind", "status")
    search_fields = ("name",)
    exclude = ("summary",)


class ExperimentCaseAdmin(ReadOnly):
    list_display = ("experiment", "key", "created_at")
    list_select_related = ("experiment",)


class JointPlanAdmin(ReadOnly):
    list_display = ("name", "created_by", "created_at", "closed_at")
    search_fields = ("name",)


class JointSeatAdmin(ReadOnly):
    list_display = ("joint", "participant_name", "version", "contributed_at", "withdrawn_at")
    list_select_related = ("joint",)


class JointPartAdmin(ReadOnly):
    """What is brought stays unread here too."""

    list_display = ("joint", "version", "digest", "contributed_by", "created_at")
    exclude = ("document",)


class PlanShareAdmin(ReadOnly):
    list_display = ("run_id", "joint", "status", "created_at", "message")
    exclude = ("plan", "cost_terms_usd", "cost_usd", "explanation")


show(
    {
        JointPlan: JointPlanAdmin,
        JointSeat: JointSeatAdmin,
        JointPart: JointPartAdmin,
        PlanShare: PlanShareAdmin,
        Experiment: ExperimentAdmin,
        ExperimentCase: ExperimentCaseAdmin,
        SampleBatch: SampleBatchAdmin,
        GradeSet: GradeSetAdmin,
        GradeRetest: GradeRetestAdmin,
        PlanRun: PlanRunAdmin,
        Scenario: ScenarioAdmin,
        ScenarioVersion: ScenarioVersionAdmin,
        PlanDecision: PlanDecisionAdmin,
        PlanRelease: PlanReleaseAdmin,
    }
)
