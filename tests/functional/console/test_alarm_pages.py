"""Alarms as operators and managers see them: one with its why and its steps, who is called, and how many there are."""

import re

from edge_bridge.models import Alarm
from edge_bridge.protocol import Lane
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import gateway, opened, raised, the_alarm


def step(client, alarm, name: str, **given: str):
    answer = client.post(f"/alarms/{alarm.pk}/steps/{name}", given)
    assert answer.status_code == 302, answer.content.decode()
    return text(page_of(client, answer.headers["Location"]).encode())


def test_operator_reads_why_and_takes_each_step_on_the_alarms_page(aurora):
    gateway(aurora).say(Lane.P0, raised())
    alarm, client = the_alarm(aurora), sign_in(aurora)
    assert f'href="/alarms/{alarm.pk}"' in page_of(client, "/")
    page = page_of(client, f"/alarms/{alarm.pk}")
    assert "style=" not in page and "CH4 at 1.2, limit 1, by the rule ch4" in text(page.encode())
    assert "30 min" in page and "8 h" not in page  # a critical alarm is shelved for an hour at most
    assert "out for lunch" in step(client, alarm, "comment", comment="out for lunch")
    assert "Aurora owner" in step(client, alarm, "assign", user=str(aurora.user.pk))
    words = step(client, alarm, "shelve", minutes="60", reason="sensor is cleaned")
    assert "shelved, the condition stands" in words and "sensor is cleaned" in words
    assert "unacknowledged" in step(client, alarm, "return")
    assert "acknowledged" in step(client, alarm, "acknowledge", comment="seen")
    assert "out of service" in step(client, alarm, "out-of-service", reason="calibration")


def test_viewer_reads_the_alarm_and_is_offered_no_step(aurora):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    client = with_role(aurora, "viewer")
    page = page_of(client, f"/alarms/{alarm.pk}")
    assert "/steps/" not in page and "Add the rule" not in page_of(client, "/alarm-policies")
    answer = client.post(f"/alarms/{alarm.pk}/steps/shelve", {"minutes": "5", "reason": "why not"})
    assert answer.status_code == 403
    assert client.post("/alarm-policies", {"form": "suppression"}).status_code == 403


def test_partner_sees_the_alarm_with_what_was_opened_and_an_outsider_nothing(aurora, borealis, cassia):
    gateway(aurora).say(Lane.P0, raised())
    alarm = the_alarm(aurora)
    opened(aurora, borealis, "view_alarms", "acknowledge_alarms")
    page = page_of(sign_in(borealis), f"/alarms/{alarm.pk}")
    assert set(re.findall(r"/steps/([\w-]+)", page)) == {"acknowledge"}
    assert sign_in(cassia).get(f"/alarms/{alarm.pk}").status_code == 404


def test_manager_sets_who_is_called_and_what_suppresses_what(aurora):
    client = sign_in(aurora)
    site = str(aurora.sites["north"].pk)
    given = {"form": "escalation", "site": site, "severity": "high", "steps": "60 operator\n600 aurora.owner"}
    assert client.post("/alarm-policies", given).status_code == 302
    rule = {"form": "suppression", "site": site, "cause": "power_failed", "effect": "fan_stopped", "reason": "no power"}
    assert client.post("/alarm-policies", rule).status_code == 302
    page = page_of(client, "/alarm-policies")
    words = text(page.encode())
    assert "after 60 s: operator" in words and "after 600 s: Aurora owner" in words and "power_failed" in words
    rule_id = re.search(r'name="rule" value="([^"]+)"', page)[1]
    assert client.post("/alarm-policies", {"form": "end", "rule": rule_id}).status_code == 302
    assert "No alarm suppresses another" in page_of(client, "/alarm-policies")
    refused = client.post("/alarm-policies", given | {"steps": "soon nobody"})
    assert refused.status_code == 422 and "seconds and then a role" in refused.content.decode()


def test_health_shows_the_strip_against_what_a_person_can_take_in(aurora, borealis):
    edge = gateway(aurora)
    edge.say(Lane.P0, *[raised(alarm_type=f"type {n}", severity="low") for n in range(13)])
    client = sign_in(aurora)
    page = page_of(client, f"/alarm-health?site={aurora.sites['north'].pk}&days=1")
    assert "<svg" in page and "style=" not in page
    words = text(page.encode())
    assert "In the busiest hour 14" in words and "12/h" in words and "14 calls" in words
    csv = client.get(re.search(r'href="(/alarm-health/figure\.csv\?[^"]+)"', page)[1].replace("&amp;", "&"))
    assert csv.content.decode().splitlines()[-1].endswith(",14")
    listed = text(page_of(client, "/").encode())
    assert "alarm_flood" in listed and "3 alarms" in listed and "type 12" not in listed
    assert sign_in(borealis).get(f"/alarm-health?site={aurora.sites['north'].pk}").status_code == 404
    with aurora.acting():
        assert Alarm.objects.filter(folded_into__isnull=False).count() == 3


def test_manager_suppresses_by_the_state_of_a_machine_and_gas_is_refused_with_words(aurora):
    client, site = sign_in(aurora), str(aurora.sites["north"].pk)
    page = page_of(client, "/alarm-policies")
    assert "not running" in page and "style=" not in page
    rule = kept(aurora, "pump shakes", tag="vibration", equipment="PUMP-07")
    given = {"form": "states", "site": site, "states": ["not_running", "service"], "reason": "it runs down"}
    assert client.post("/alarm-policies", {**given, "tag": "vibration", "equipment": "PUMP-07"}).status_code == 302
    assert client.post("/alarm-policies", {**given, "rule": str(rule.pk)}).status_code == 302
    words = text(page_of(client, "/alarm-policies").encode())
    assert "a machine that is not_running or service" in words
    assert "alarms on vibration of PUMP-07" in words and "alarms of the rule pump shakes" in words
    refused = client.post("/alarm-policies", {**given, "tag": "methane"})
    assert refused.status_code == 422 and "hazard to people" in text(refused.content)
    assert client.post("/alarm-policies", {**given, "tag": "vibration", "equipment": "NONE"}).status_code == 422
    assert client.post("/alarm-policies", {**given, "tag": "vibration", "states": []}).status_code == 422
