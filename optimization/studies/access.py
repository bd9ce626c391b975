"""How one gets an experiment, and the instance that it studies: fetched and authorised in one step, or refused."""

from uuid import UUID

from optimization.access import get_plan
from optimization.actions import told_as_invalid
from optimization.data import SupplyChainInstance
from optimization.instance_builder import build_instance
from optimization.models import Experiment
from optimization.studies import queries
from tenants.api import require
from tenants.data import FieldError, Invalid, NotFound


def get_experiment(experiment_id: UUID, *, needs: str = "view_plans") -> Experiment:
    """An experiment of the actor's own organisation."""
    require(needs)
    run = queries.experiments().filter(pk=experiment_id).first()
    if run is None:
        raise NotFound
    return run


def own_instance(plan_id: UUID) -> SupplyChainInstance:
    """What a plan of the organisation's own was asked for; Invalid if that is put together from others' parts."""
    run = get_plan(plan_id, needs="run_plans")
    if run.joint_id is not None:
        words = "is a plan of several organisations, whose data you don't see: name a plan of your own"
        raise Invalid("The study can't be made as it is asked for.", (FieldError("/plan", words),))
    with told_as_invalid("The plan's instance can't be studied."):
        return build_instance(run.instance)
