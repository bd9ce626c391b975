"""Rules and their trials are the organisation's own; they are fetched and authorised in one step."""

from uuid import UUID

from edge_bridge.catalogue import queries
from edge_bridge.models import KeptRule, RuleTrial, RuleVersion
from tenants.api import require
from tenants.data import FieldError, Invalid, NotFound


def get_rule(rule_id: UUID, *, needs: str = "view_alarms") -> KeptRule:
    """With its versions, each with whether it `was_tried`."""
    require(needs)
    rule = queries.rules().filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    return rule


def get_trial(trial_id: UUID, *, needs: str = "view_alarms") -> RuleTrial:
    require(needs)
    trial = RuleTrial.objects.select_related("version__rule__site").filter(pk=trial_id)
    found = trial.first()
    if found is None:
        raise NotFound
    return found


def version_of(rule: KeptRule, n: int | None) -> RuleVersion:
    """The newest one for None; Invalid if there is no such version."""
    if n is None:
        return rule.newest
    found = next((version for version in rule.versions.all() if version.n == n), None)
    if found is None:
        raise Invalid("There is no such version.", (FieldError("/version", f"1 to {rule.newest.n}"),))
    return found
