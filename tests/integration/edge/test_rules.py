"""Rules from the draft to the gateway: versions, backtests on stored readings, and what gateways are given."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from edge_bridge.catalogue.running import carry_out
from edge_bridge.catalogue.trying import GIVEN_UP, give_up_forsaken, take_up
from edge_bridge.models import KeptRule, RuleTrial, RuleVersion
from edge_bridge.protocol import Birth, Lane, RuleSet, RulesInUse, Tag, decode, json_text
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import parse_rules
from tenants.context import as_platform
from tenants.models import FeedEvent, LedgerEntry
from tests.integration.edge.processes import GatewayProcess, terminals, wait_until
from tests.integration.edge.rules import METHANE, kept
from tests.integration.edge.scenes import Gateway, gateway, raised, reading

API = "/api/v1"


def rules_of(edge: Gateway, etag: str = ""):  # type: ignore[no-untyped-def]
    headers = {"HTTP_AUTHORIZATION": edge.authorization, "HTTP_IF_NONE_MATCH": etag}
    return APIClient().get(f"{API}/edge/rules", **headers)


def post(client: APIClient, path: str, **body: object):  # type: ignore[no-untyped-def]
    return client.post(f"{API}/{path}", body, format="json")


def kinds_told(owner, prefix: str = "rule.") -> list[str]:
    with owner.acting():
        return list(FeedEvent.objects.filter(kind__startswith=prefix).order_by("seq").values_list("kind", flat=True))


def ramp(edge: Gateway, minutes: int = 40) -> None:
    """Methane rises from 0 to 2 %, a reading each 30 s, through 1 % half-way; another rule's alarm comes later."""
    ago_s = minutes * 60 + 60
    values = [(at_s, 2 * at_s / (minutes * 60)) for at_s in range(0, minutes * 60, 30)]
    edge.say(Lane.P2, *(reading(v, code="GAS-T0-01", tag="CH4", ago_s=ago_s - at_s) for at_s, v in values))


def changed_at(edge):
    return decode(rules_of(edge).content).changed_at


def test_rule_goes_from_draft_to_the_gateways_of_its_site(aurora):
    client, edge = aurora.client(), gateway(aurora)
    elsewhere = gateway(aurora, "north-mill")
    site = str(aurora.sites["north"].pk)
    drafted = post(client, "rules", site=site, name="Methane", settings=METHANE, note="first")
    assert drafted.status_code == 201, drafted.content
    assert (drafted.json()["stage"], drafted.json()["enabled"]) == ("draft", None)
    path = f"rules/{drafted.json()['id']}"
    empty = decode(rules_of(edge).content)
    assert isinstance(empty, RuleSet) and (empty.rules, empty.changed_at) == ((), None)

    untried = post(client, f"{path}/enable")
    assert untried.status_code == 409 and "Backtest it, or give a reason" in untried.json()["detail"]
    enabled = post(client, f"{path}/enable", reason="the sensor is new")
    assert (enabled.status_code, enabled.json()["stage"], enabled.json()["enabled"]) == (200, "enabled", 1)

    answer = rules_of(edge)
    given = decode(answer.content)
    assert isinstance(given, RuleSet) and given.digest == digest_of(given.rules)
    assert [rule.name for rule in parse_rules(list(given.rules))] == ["Methane"]
    assert rules_of(edge, answer["ETag"]).status_code == 304
    assert decode(rules_of(elsewhere).content).rules == ()

    changed = post(client, f"{path}/versions", settings=METHANE | {"off_delay_s": 5})
    assert [version["n"] for version in changed.json()["versions"]] == [2, 1]
    assert rules_of(edge)["ETag"] == answer["ETag"]
    assert post(client, f"{path}/enable", version=2, reason="as before").status_code == 200
    assert rules_of(edge, answer["ETag"]).status_code == 200
    assert changed_at(edge) > given.changed_at
    enabled_at = changed_at(edge)
    assert post(client, f"{path}/disable", reason="gauge is being calibrated").status_code == 200
    assert decode(rules_of(edge).content).rules == () and changed_at(edge) > enabled_at
    assert post(client, f"{path}/retire", reason="the gauge is gone").json()["stage"] == "retired"
    assert post(client, f"{path}/enable", reason="after all").status_code == 409
    assert post(client, "rules", site=site, name="Methane", settings=METHANE).status_code == 201
    told = [f"rule.{step}" for step in ("made", "enabled", "changed", "enabled", "disabled", "retired", "made")]
    assert kinds_told(aurora) == told
    with aurora.acting():
        assert (
            list(LedgerEntry.objects.filter(kind__startswith="rule.").order_by("seq").values_list("kind", flat=True))
            == told
        )


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"hi": {"value": "much", "severity": "high"}}, "/settings/hi/value"),
        ({"kind": "crystal_ball"}, "/settings/kind"),
        ({"equipment": "GAS-99"}, "/settings/equipment"),
        ({"colour": "red"}, "/settings/colour"),
        ({"name": "other"}, "/settings"),
    ],
)
def test_rule_that_cannot_work_is_refused_where_it_is_wrong(aurora, settings, pointer):
    client, site = aurora.client(), str(aurora.sites["north"].pk)
    named = post(client, "rules", site=site, name="a\tb", settings=METHANE)
    assert [error["pointer"] for error in named.json()["errors"]] == ["/name"]
    answer = post(client, "rules", site=site, name="Methane", settings=METHANE | settings)
    assert answer.status_code == 422, answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    with aurora.acting():
        assert not KeptRule.objects.exists()


def test_two_rules_that_raise_the_same_alarm_are_not_enabled_together(aurora):
    client = aurora.client()
    first, second = kept(aurora, "one"), kept(aurora, "two")
    assert post(client, f"rules/{first.pk}/enable", reason="trusted").status_code == 200
    refused = post(client, f"rules/{second.pk}/enable", reason="trusted")
    assert refused.status_code == 409 and "raised by two rules" in refused.json()["detail"]


def test_rules_of_a_site_that_no_longer_fit_in_one_message_are_not_enabled(aurora, monkeypatch):
    monkeypatch.setattr(json_text, "MAX_MESSAGE_BYTES", 300)
    client = aurora.client()
    first, second = kept(aurora, "one"), kept(aurora, "two", alarm_type="other")
    assert post(client, f"rules/{first.pk}/enable", reason="trusted").status_code == 200
    refused = post(client, f"rules/{second.pk}/enable", reason="trusted")
    assert refused.status_code == 409 and "fit in one message" in refused.json()["detail"]


def test_rule_of_the_cloud_judges_at_a_gateway_and_its_alarm_comes_back(aurora, live_web, tmp_path):
    client, rule = aurora.client(), kept(aurora, "Gas of the cloud", tag="gas", alarm_type="gas")
    assert post(client, f"rules/{rule.pk}/enable", reason="trusted").status_code == 200
    csv = tmp_path / "series.csv"
    csv.write_text("timestamp,value\n2026-01-01 00:00:00,0.5\n2026-01-01 00:00:01,1.5\n")
    with GatewayProcess(tmp_path, gateway(aurora), live_web.base_url) as edge:
        wait_until(lambda: [each["current"] for each in client.get(f"{API}/rules-in-use").json()["results"]] == [True])
        terminals("replay", str(csv), "--equipment", "GAS-T0-01", "--tag", "gas", "--gateway", edge.url)
        wait_until(lambda: client.get(f"{API}/alarms").json()["results"])
    (alarm,) = client.get(f"{API}/alarms").json()["results"]
    assert (alarm["alarm_type"], alarm["rule"]) == ("gas.hi", "Gas of the cloud")


def test_template_makes_a_rule_for_each_sensor_and_its_status_goes_to_the_alarm(aurora):
    client, edge = aurora.client(), gateway(aurora)
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "CH4", "%"), Tag("PUMP-07", "CO", "%"))))
    site = str(aurora.sites["north"].pk)
    made = post(client, "rules/from-template", site=site, template="ch4-cn-face")
    assert made.status_code == 201, made.content
    (rule,) = made.json()["rules"]
    newest = rule["newest"]
    assert (newest["warning"], newest["clause"]) == ("unverified template", "AQ 1029, table")
    assert newest["settings"]["hi_hi"]["value"] == 1.5
    assert post(client, f"rules/{rule['id']}/enable", reason="by the book").status_code == 200
    (table,) = decode(rules_of(edge).content).rules
    assert table["name"].endswith("(unverified template)")

    changed = post(
        client, f"rules/{rule['id']}/versions", settings=newest["settings"] | {"hi": {"value": 0.8, "severity": "high"}}
    )
    assert changed.json()["newest"]["clause"] == ""
    wrong_unit = post(client, "rules/from-template", site=site, template="co-cn-workings")
    assert wrong_unit.status_code == 422 and "measures in %" in wrong_unit.json()["errors"][0]["message"]
    shift = post(
        client,
        "rules/from-template",
        site=site,
        template="dust-us-coal-shift",
        sensors=[{"equipment": "GAS-T0-01", "tag": "dust"}],
    )
    assert shift.status_code == 422 and "mean of a shift" in shift.json()["errors"][0]["message"]


def test_template_that_is_taken_again_makes_rules_only_where_there_is_none_yet(aurora):
    client, edge = aurora.client(), gateway(aurora)
    site = str(aurora.sites["north"].pk)
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "CH4", "%"),)))
    asked = {"site": site, "template": "ch4-cn-face"}
    assert post(client, "rules/from-template", **asked).status_code == 201
    again = post(client, "rules/from-template", **asked)
    assert again.status_code == 409 and "has the rule 'CH4 GAS-T0-01' from this template" in again.json()["detail"]
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "CH4", "%"), Tag("PUMP-07", "CH4", "%"))))
    more = post(client, "rules/from-template", **asked).json()["rules"]
    assert [rule["name"] for rule in more] == ["CH4 PUMP-07"], "the new sensor gets one, and nothing is refused"
    named = post(client, "rules/from-template", **asked, sensors=[{"equipment": "PUMP-07", "tag": "CH4"}])
    assert named.status_code == 409


def test_template_drafts_an_early_warning_that_carries_the_clause_and_its_status(aurora):
    client, edge, site = aurora.client(), gateway(aurora), str(aurora.sites["north"].pk)
    offered = {each["key"]: each["kinds"] for each in client.get(f"{API}/rule-templates").json()["templates"]}
    assert offered["ch4-cn-face"] == ["limits", "time_to_limit"] and offered["dust-us-coal-shift"] == []
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "CH4", "%"),)))
    asked = {"site": site, "template": "ch4-cn-face", "kind": "time_to_limit"}
    assert post(client, "rules/from-template", site=site, template="ch4-cn-face").status_code == 201
    made = post(client, "rules/from-template", **asked)
    assert made.status_code == 201, made.content
    (rule,) = made.json()["rules"]
    newest, said = rule["newest"], ("AQ 1029, table", "unverified", "unverified template")
    assert (rule["name"], rule["stage"], rule["safety"]) == ("CH4 soon GAS-T0-01", "draft", True)
    assert (newest["clause"], newest["template_status"], newest["warning"]) == said
    assert (newest["settings"]["limit"], newest["settings"]["is_high"]) == (1.0, True)
    assert post(client, "rules/from-template", **asked).status_code == 409, "the sensor has one"
    assert post(client, "rules/from-template", **asked | {"kind": "rate"}).status_code == 422
    assert post(client, f"rules/{rule['id']}/enable", reason="by the book").status_code == 200
    (table,) = decode(rules_of(edge).content).rules
    assert table["clause"] == "AQ 1029, table (unverified template)"

    changed = post(client, f"rules/{rule['id']}/versions", settings=newest["settings"] | {"limit": 0.8}).json()
    assert changed["newest"]["clause"] == "" and "clause" not in changed["newest"]["settings"]


def test_rules_of_two_templates_on_one_sensor_get_names_of_their_own(aurora):
    client, site = aurora.client(), str(aurora.sites["north"].pk)
    sensors = [{"equipment": "GAS-T0-01", "tag": tag} for tag in ("CH4", "CH4_2")]
    names = []
    for template in ("ch4-cn-face", "ch4-us-coal-return-split"):
        made = post(client, "rules/from-template", site=site, template=template, sensors=sensors)
        assert made.status_code == 201, made.content
        names += [rule["name"] for rule in made.json()["rules"]]
    assert names == ["CH4 GAS-T0-01", "CH4 GAS-T0-01 2", "CH4 GAS-T0-01 3", "CH4 GAS-T0-01 4"]


def test_backtest_on_stored_readings_holds_alarms_against_what_was_known(aurora):
    client, edge = aurora.client(), gateway(aurora)
    ramp(edge)
    now = datetime.now(UTC)
    edge.say(Lane.P0, raised(1.5, alarm_type="evacuate", occurred_at=now - timedelta(minutes=11)))
    rule = kept(aurora)
    label = {"start": now - timedelta(minutes=50), "end": now - timedelta(minutes=45), "words": "before it began"}
    asked = post(
        client, f"rules/{rule.pk}/backtests", since=now - timedelta(hours=1), until=now, labels=[label], lead_s=1200
    )
    assert asked.status_code == 202 and asked["Location"].endswith(asked.json()["id"])
    again = post(client, f"rules/{rule.pk}/backtests", since=now - timedelta(hours=1), until=now)
    assert again.status_code == 409
    carry_out(aurora.actor(), RuleTrial(pk=asked.json()["id"]).pk)
    trial = client.get(asked["Location"]).json()
    result = trial["result"]
    assert (trial["status"], trial["done_frac"], result["n_readings"]) == ("done", 1.0, 80)
    assert (result["n_alarms"], result["hits"], result["misses"], result["false_alarms"]) == (1, 1, 1, 0)
    assert result["lead_s"] == pytest.approx(600, abs=35)
    assert result["limits"] == [1.0] and len(result["chart"]) == 80
    assert client.get(f"{API}/rules/{rule.pk}").json()["stage"] == "backtested"
    assert post(client, f"rules/{rule.pk}/enable").status_code == 200
    assert kinds_told(aurora) == ["rule.made", "rule.progress", "rule.progress", "rule.backtested", "rule.enabled"]


def test_rule_on_a_clock_is_not_tried_on_readings_that_do_not_say_when_they_were_heard(aurora):
    settings = {**{name: METHANE[name] for name in ("equipment", "tag")}, "alarm_type": "clock", "severity": "low"}
    drafted = post(
        aurora.client(),
        "rules",
        site=str(aurora.sites["north"].pk),
        name="Clock",
        settings={"kind": "clock", **settings},
    )
    span = {"since": datetime.now(UTC) - timedelta(hours=1), "until": datetime.now(UTC)}
    refused = post(aurora.client(), f"rules/{drafted.json()['id']}/backtests", **span)
    assert refused.status_code == 409 and "Enable it with this as the reason" in refused.json()["detail"]


def test_backtest_is_cancelled_and_one_without_a_worker_is_given_up(aurora):
    client, rule = aurora.client(), kept(aurora)
    span = {"since": datetime.now(UTC) - timedelta(hours=1), "until": datetime.now(UTC)}
    waiting = post(client, f"rules/{rule.pk}/backtests", **span).json()["id"]
    assert post(client, f"backtests/{waiting}/cancel").json()["status"] == "cancelled"
    assert post(client, f"backtests/{waiting}/cancel").status_code == 409

    running = post(client, f"rules/{rule.pk}/backtests", **span).json()["id"]
    with aurora.acting():
        assert take_up(running) is not None and take_up(running) is None
    with as_platform("tests", "an hour later"):
        assert give_up_forsaken(datetime.now(UTC)) == 0
        RuleTrial.objects.filter(pk=running).update(heartbeat_at=datetime.now(UTC) - timedelta(hours=1))
    with as_platform("tests", "an hour later"):
        give_up_forsaken(datetime.now(UTC))
    found = client.get(f"{API}/backtests/{running}").json()
    assert (found["status"], found["message"]) == ("failed", GIVEN_UP)


def test_database_refuses_to_change_what_was_said(aurora):
    rule = kept(aurora)
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        RuleVersion.objects.filter(rule=rule).update(note="other")
    with pytest.raises(IntegrityError), aurora.acting():
        KeptRule.objects.filter(pk=rule.pk).update(enabled_n=9)


def test_cloud_shows_what_each_gateway_judges_by_and_what_it_refused(aurora):
    client, edge, rule = aurora.client(), gateway(aurora), kept(aurora)
    post(client, f"rules/{rule.pk}/enable", reason="trusted")
    digest = decode(rules_of(edge).content).digest
    edge.say(Lane.P1, RulesInUse(datetime.now(UTC), "", digest, "rules: 'methane' is raised by two rules"))
    (shown,) = client.get(f"{API}/rules-in-use").json()["results"]
    assert (shown["current"], shown["refused"]) == (False, digest) and "two rules" in shown["detail"]
    edge.say(Lane.P1, RulesInUse(datetime.now(UTC), digest, "", ""))
    (shown,) = client.get(f"{API}/rules-in-use").json()["results"]
    assert (shown["current"], shown["refused"], shown["edge"]) == (True, "", "north-gateway")
    assert kinds_told(aurora)[-2:] == ["rule.refused", "rule.taken"]


def test_strangers_and_partners_find_no_rules(aurora, cassia):
    rule, client = kept(aurora), cassia.client()
    for path in (f"rules/{rule.pk}", f"rules/{uuid4()}"):
        assert client.get(f"{API}/{path}").status_code == 404
    assert client.get(f"{API}/rules").json()["results"] == []
    site = str(aurora.sites["north"].pk)
    assert post(client, "rules", site=site, name="x", settings=METHANE).status_code == 404


def test_rules_go_to_gateways_whose_credential_holds(aurora):
    client, edge = aurora.client(), gateway(aurora)
    assert client.get(f"{API}/edge/rules").status_code == 401
    assert rules_of(edge).status_code == 200
    assert client.post(f"{API}/devices/{edge.device.pk}/revoke").status_code == 200
    assert rules_of(edge).status_code == 401
