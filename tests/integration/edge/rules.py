"""Kept rules as the tests of the edge begin with them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from edge_bridge.catalogue import actions, trying
from edge_bridge.models import KeptRule
from tests.personas import Organisation

METHANE: dict[str, Any] = {
    "kind": "limits",
    "equipment": "GAS-T0-01",
    "tag": "CH4",
    "alarm_type": "methane",
    "hi": {"value": 1.0, "severity": "critical"},
}


def kept(owner: Organisation, name: str = "Methane of the upper corner", **settings: Any) -> KeptRule:
    with owner.acting():
        return actions.make_rule(site=owner.sites["north"], name=name, settings=METHANE | settings)


def places(owner: Organisation) -> dict[str, UUID]:
    """A rule in force and a backtest of it that is over, so that no worker of a later test has it to do."""
    rule = kept(owner)
    with owner.acting():
        actions.enable_rule(rule=rule, reason="the owner knows the sensor")
    until = datetime.now(UTC)
    with owner.acting():
        trial = trying.request_trial(
            rule=actions.get_rule(rule.pk), n=None, since=until - timedelta(hours=1), until=until, is_sent=False
        )
        trying.cancel_trial(trial=trial)
    return {"rule_id": rule.pk, "trial_id": trial.pk}
