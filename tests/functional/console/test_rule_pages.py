"""Rules as managers keep them and as viewers read them."""

import html
import re
from datetime import UTC, datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile

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


def tried(owner, client, rule, **given) -> RuleTrial:
    """A backtest, asked for on the page and carried out by the task."""
    assert "queued" in step(client, rule, "backtest", **{"days": "1", **given})
    with owner.acting():
        trial = RuleTrial.objects.get(tenant=owner.id, status="queued")
    run_trial.apply(args=[str(trial.pk)], headers={"actor": header(owner)}, throw=True)
    with owner.acting():
        return RuleTrial.objects.get(pk=trial.pk)


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


def test_rule_that_can_not_be_made_stays_in_the_form_as_it_was_typed(aurora):
    client = sign_in(aurora)
    given = {"site": str(aurora.sites["north"].pk), "kind": "limits", "name": "Methane", "note": "of March"}
    given |= {"equipment": "NOPE-1", "tag": "ch4", "alarm_type": "methane", "hi": "1.25", "hi_severity": "critical"}
    answer = client.post("/rules/new", given)
    page = answer.content.decode()
    assert answer.status_code == 422 and "NOPE-1" in text(re.search(r'role="alert">.*?</p>', page)[0].encode())
    for typed in ("Methane", "of March", "NOPE-1", "methane", "1.25"):
        assert f'value="{typed}"' in page
    assert "<option selected>critical</option>" in page


def test_page_says_that_a_rule_hears_nothing_until_a_gateway_names_its_sensor(aurora):
    edge, rule, client = gateway(aurora), kept(aurora), sign_in(aurora)
    tag = rule.newest.settings["tag"]
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag=tag.swapcase()))
    assert "nothing was ever heard" in page_of(client, f"/rules/{rule.pk}")
    edge.say(Lane.P2, reading(code="GAS-T0-01", tag=tag))
    assert "nothing was ever heard" not in page_of(client, f"/rules/{rule.pk}")


def test_refused_step_leads_back_to_the_page_it_was_taken_on(aurora):
    client, rule = sign_in(aurora), kept(aurora)
    place = f"/rules/{rule.pk}"
    for came_from, is_ours in ((f"http://testserver{place}", True), (f"http://elsewhere.example{place}", False)):
        refused = client.post(f"{place}/steps/enable", {"version": "1"}, headers={"Referer": came_from})
        assert refused.status_code == 409 and (f'href="{place}"' in refused.content.decode()) == is_ours


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


def test_template_drafts_an_early_warning_on_the_page(aurora):
    client = sign_in(aurora)
    gateway(aurora).say(Lane.P1, Birth(datetime.now(UTC), (Tag("GAS-T0-01", "O2", "%"),)))
    assert "before it: when the trend will reach the first limit" in page_of(client, "/rules")
    given = {"site": str(aurora.sites["north"].pk), "template": "o2-us-coal-minimum", "kind": "time_to_limit"}
    listed = text(client.post("/rules", given, follow=True).content)
    assert "O2 soon GAS-T0-01" in listed and "30 CFR, 75.321" in listed
    with aurora.acting():
        settings = KeptRule.objects.get(tenant=aurora.id).newest.settings
    assert (settings["limit"], settings["is_high"]) == (19.5, False)


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


def test_marked_windows_and_those_of_a_file_are_what_a_backtest_is_held_against(aurora):
    client, edge, rule = sign_in(aurora), gateway(aurora), kept(aurora)
    values = [0.2] * 10 + [1.5] * 5 + [0.2] * 10 + [1.6] * 5 + [0.2] * 10
    edge.say(Lane.P2, *(reading(v, code="GAS-T0-01", tag="CH4", ago_s=60 * (40 - n)) for n, v in enumerate(values)))
    now = datetime.now(UTC)
    at = [(now - timedelta(minutes=40 - n)).isoformat() for n in range(40)]
    file = SimpleUploadedFile("labels.csv", f"start,end,words\n{at[33]},{at[36]},missed it\n".encode())
    typed = f"{at[9]}, {at[16]}, outburst\n2020-01-01, 2020-01-02, long before"
    given = {"days": "1", "labels": typed, "file": file, "known": "labels"}
    trial = tried(aurora, client, rule, **given)
    assert (trial.result["hits"], trial.result["misses"], trial.result["false_alarms"]) == (1, 1, 1)
    shown = page_of(client, f"/rules/{rule.pk}")
    words = text(shown.encode())
    assert "Hits 1 of 2" in words and "outburst" in words and "known, missed" in words
    assert 'data-across="' in shown and "style=" not in shown and "marking.js" in shown
    (form,) = re.findall(r'<textarea id="trial-labels"[^>]*>([^<]*)</textarea>', shown)
    assert len(form.splitlines()) == 3 and "missed it" in form
    again = tried(aurora, client, rule, days="same", labels=html.unescape(form).replace("missed it", "found by ear"))
    assert (again.since, again.until) == (trial.since, trial.until) and again.result["n_known"] == 2
    assert client.post(f"/rules/{rule.pk}/steps/backtest", {"labels": "soon"}).status_code == 422


def test_manager_says_how_a_rule_calls_and_a_viewer_is_not_asked(aurora):
    client, rule = sign_in(aurora), kept(aurora, tag="pressure")
    words = step(client, rule, "calls", safety="safety", minutes="10", reason="a line burst there")
    assert "safety" in words
    with aurora.acting():
        assert KeptRule.objects.get(pk=rule.pk).re_alarm_s == 600
    for minutes in ("soon", "0", "1441"):
        given = {"minutes": minutes, "reason": "a line burst there"}
        assert client.post(f"/rules/{rule.pk}/steps/calls", given).status_code == 422, minutes
    assert "Set how it calls" not in page_of(with_role(aurora, "viewer"), f"/rules/{rule.pk}")
