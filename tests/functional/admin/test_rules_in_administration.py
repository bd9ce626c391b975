"""Rules written in an organisation's administration."""

import json

from edge_bridge.models import KeptRule
from tests.functional.admin.test_admin import signed_in
from tests.integration.edge.rules import METHANE, kept

ADD = "/administration/edge_bridge/keptrule/add/"


def written(client, page, settings, **given):
    return client.post(page, {"settings": json.dumps(settings), "note": "", **given})


def rules(owner):
    with owner.acting():
        return [(rule.name, rule.newest.n, rule.newest.settings) for rule in KeptRule.objects.filter(tenant=owner.id)]


def test_administrator_writes_a_rule_and_each_change_is_a_version(aurora, cassia):
    client, site = signed_in(aurora), str(aurora.sites["north"].pk)
    assert client.get(ADD).status_code == 200
    assert written(client, ADD, METHANE, site=site, name="Methane").status_code == 302
    assert rules(aurora) == [("Methane", 1, METHANE)]
    with aurora.acting():
        page = f"/administration/edge_bridge/keptrule/{KeptRule.objects.get().pk}/change/"
    assert "GAS-T0-01" in client.get(page).content.decode()
    assert written(client, page, METHANE | {"deadband": 0.1}).status_code == 302
    assert rules(aurora) == [("Methane", 2, METHANE | {"deadband": 0.1})]
    written(signed_in(cassia), page, METHANE)
    assert rules(aurora)[0][1] == 2


def test_rule_that_cannot_work_is_refused_beside_its_field(aurora):
    client, site = signed_in(aurora), str(aurora.sites["north"].pk)
    kept(aurora, "Methane")
    wrong = METHANE | {"hi": {"value": "much", "severity": "high"}}
    for settings, name, words in (
        (wrong, "Other", "hi/value: must be a number"),
        ([1], "Other", "Write an object"),
        (METHANE, "Methane", "at this site already"),
    ):
        answer = written(client, ADD, settings, site=site, name=name)
        assert answer.status_code == 200 and words in answer.content.decode(), words
    assert len(rules(aurora)) == 1
