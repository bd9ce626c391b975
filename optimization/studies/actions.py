"""The writes of studies. Taking up, pulse, cancelling and sweep are those of everything that is owed."""

from typing import Any
from uuid import UUID

from django.conf import settings

from optimization.actions import asked_by, cancel_plan, owe, release, told_as_invalid
from optimization.data import InstanceError, Problem, SupplyChainInstance
from optimization.experiments.request import Asked, read_study
from optimization.experiments.studies import STUDIES, require_affordable, subjects_of
from optimization.models import Experiment, ExperimentCase
from optimization.outcome import PlanStatus
from optimization.studies.access import own_instance
from tenants.api import require


def request_study(
    *, kind: str, name: str, options: object, plan: UUID | None = None, is_sent: bool = True
) -> Experiment:
    """Store what is asked and owe its results; Invalid with pointers into the body.

    `plan` names a plan of the organisation's own whose instance is studied; otherwise instances are generated. It is
    not sent to a worker if the caller takes it up itself.
    """
    requester = require("run_plans")
    own = None if plan is None else own_instance(plan)
    with told_as_invalid("The study can't be made as it is asked for."):
        asked = read_asked(kind, options, own)
    studied = {} if plan is None else {"plan": str(plan)}
    run = Experiment(**asked_by(requester), name=name, kind=kind, options={**studied, **asked.to_document()})
    owe(run=run, is_sent=is_sent)
    return run


def read_asked(kind: str, options: object, own: SupplyChainInstance | None) -> Asked:
    """InstanceError where it is not understood, or could take longer than one study may."""
    if kind not in STUDIES:
        raise InstanceError([Problem("/kind", f"is no study: use {', '.join(STUDIES)}")])
    asked = read_study(options, is_own=own is not None, time_limit_s=settings.PLAN_TIME_LIMIT_S)
    require_affordable(kind, asked, subjects_of(asked, own), total_s=settings.STUDY_TIME_LIMIT_S)
    return asked


def cancel_study(*, run: Experiment) -> None:
    """At once, or within about a second; what was solved until then is kept and shown."""
    cancel_plan(run=run)


def add_case(*, run: Experiment, key: str, result: dict[str, Any]) -> bool:
    """Keep a solved case; False if this attempt is no longer the one that counts."""
    held = Experiment.objects.filter(pk=run.pk, status=PlanStatus.RUNNING, attempt=run.attempt)
    if not held.select_for_update().exists():
        return False
    case = ExperimentCase(tenant_id=run.tenant_id, experiment=run, key=key, result=result)
    ExperimentCase.objects.bulk_create([case], ignore_conflicts=True)
    return True


def finish_study(*, run: Experiment, status: PlanStatus, message: str, summary: dict[str, Any] | None) -> bool:
    """Release what came of this attempt; False, and nothing is kept, if it no longer is the one that counts."""
    stored = {"status": status, "message": message, "summary": summary}
    return release(run_id=run.pk, attempt=run.attempt, stored=stored, news={}, model=Experiment)
