"""Rules as managers keep them and as viewers read them."""

from datetime import UTC, datetime, timedelta

from edge_bridge.catalogue.queries import wire_table
from edge_bridge.models import KeptRule, RuleTrial, RuleVersion
from edge_bridge.protocol import Birth, Lane, RulesInUse, Tag
from edge_bridge.tasks import run_trial
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.optimization.test_runs import header


def step(client, rule, what: str, /, **given: str) -> str:
    answer = client.post(f"/rules/{rule.pk}/steps/{what}", given)
    assert answer.status_code == 302, answer.content.decode()
    return text(page_of(client, answer.headers["Location"]).encode())


def tried(owner, client, rule) -> RuleTrial:
    """A backtest, asked for on the page and carried out by the task."""
    assert "queued" in step(client, rule, "backtest", days="1")
    with owner.acting():
        trial = RuleTrial.objects.get(tenant=owner.id, status="queued")
    run_trial.apply(args=[str(trial.pk)], headers={"actor": header(owner)}, throw=True)
    return trial


def test_manager_writes_a_rule_tries_it_and_puts_it_in_force(aurora):
    client, edge = sign_in(aurora), gateway(aurora)
    form = page_of(client, "/rules/new?kind=time_to_limit")
    assert 'name="horizon_s"' in form and "900.0 if empty" in text(form.encode()) and "style=" not in form
    given = {"site": str(aurora.sites["north"].pk), "kind": "time_to_limit", "name": "Methane soon", "limit": "1.0"}
    given |= {"equipment": "GAS-T0-01", "tag": "CH4", "alarm_type": "soon", "severity": "high", "is_high": "true"}
    answer = client.post("/rules/new", given)
    assert answer.status_code == 302, answer.content.decode()
    with aurora.acting():
        rule = KeptRule.objects.get(tenant=aurora.id)
    assert "It was never tried" in text(page_of(client, f"/rules/{rule.pk}").encode())
    tried(aurora, client, rule)
    refused = client.post(f"/rules/{rule.pk}/steps/enable", {"version": "1"})
    assert "No reading of these sensors" in text(page_of(client, f"/rules/{rule.pk}").encode())
    assert refused.status_code == 409 and "never tried on stored readings" in text(refused.content)
    edge.say(Lane.P2, *(reading(n / 10, code="GAS-T0-01", tag="CH4", ago_s=1200 - 60 * n) for n in range(20)))
    trial = tried(aurora, client, rule)
    shown = page_of(client, f"/rules/{rule.pk}")
    assert "Backtest of version 1" in shown and "style=" not in shown
    assert client.get(f"/backtests/{trial.pk}/figure").status_code == 200
    assert client.get(f"/backtests/{trial.pk}/figure.csv").content.count(b"\n") > 5
    assert "in force" in step(client, rule, "enable", version="1")
    assert "v2" in step(client, rule, "change", **given | {"limit": "0.9"})
    assert "draft" in step(client, rule, "disable", reason="calibration")
    for reason in ("", "no\x00text"):
        refused = client.post(f"/rules/{rule.pk}/steps/retire", {"reason": reason})
        assert refused.status_code == 422 and "reason" in text(refused.content)
    body = page_of(client, f"/rules/{rule.pk}/body")
    assert "Backtests" in body and "Change it" not in body


def test_template_is_marked_wherever_its_rule_is_shown(aurora):
    client, edge = sign_in(aurora), gateway(aurora)
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "CH4", "%"),)))
    listed = client.post("/rules", {"site": str(aurora.sites["north"].pk), "template": "ch4-cn-face"}, follow=True)
    assert "unverified template" in text(listed.content)
    with aurora.acting():
        rule = KeptRule.objects.get(tenant=aurora.id)
        (table,) = [wire_table(version) for version in RuleVersion.objects.select_related("rule")]
    assert "unverified template" in text(page_of(client, f"/rules/{rule.pk}").encode())
    edge.say(Lane.P0, raised(rule=table["name"]))
    assert "unverified template" in text(page_of(client, "/").encode())


def test_viewer_reads_rules_and_what_gateways_refused_and_changes_nothing(aurora):
    rule = kept(aurora)
    said = RulesInUse(datetime.now(UTC) - timedelta(seconds=1), "", "0" * 32, "rules[0]: kind: must be one of …")
    gateway(aurora).say(Lane.P1, said)
    client = with_role(aurora, "viewer")
    listed = page_of(client, "/rules")
    assert "must be one of" in listed and "A new rule" not in listed
    assert "/steps/" not in page_of(client, f"/rules/{rule.pk}")
    assert client.post(f"/rules/{rule.pk}/steps/retire", {"reason": "mine now"}).status_code == 403
    assert client.get("/rules/new").status_code == 403
