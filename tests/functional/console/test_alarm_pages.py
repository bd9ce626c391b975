"""Alarms as operators and managers see them: one with its why and its steps, who is called, and how many there are."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from edge_bridge.alarms.actions import acknowledge_alarm, assign_alarm
from edge_bridge.alarms.escalation import escalate_due
from edge_bridge.catalogue.access import get_rule
from edge_bridge.catalogue.actions import retire_rule
from edge_bridge.models import Alarm, Series
from edge_bridge.protocol import Birth, Lane
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import cleared, gateway, opened, raised, the_alarm
from tests.integration.edge.test_grounds import FACE, OF_THE_FACE, face_rule
from tests.integration.marketplace.scenes import alarm_of, published


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
    assert "/steps/comment" in page
    assert "out for lunch" in step(client, alarm, "comment", comment="out for lunch")
    assert "to Aurora owner" in step(client, alarm, "assign", user=str(aurora.user.pk)).partition("History")[2]
    words = step(client, alarm, "shelve", minutes="60", reason="sensor is cleaned")
    assert "shelved, the condition stands" in words and "sensor is cleaned" in words
    assert "unacknowledged" in step(client, alarm, "return")
    assert "acknowledged" in step(client, alarm, "acknowledge", comment="seen")
    assert "out of service" in step(client, alarm, "out-of-service", reason="calibration")


def test_page_tells_by_which_clause_an_alarm_was_raised_and_leads_to_the_rule(aurora):
    rule = face_rule(aurora)
    gateway(aurora).say(Lane.P0, raised(1.6, **FACE))
    page = page_of(sign_in(aurora), f"/alarms/{the_alarm(aurora).pk}")
    words = text(page.encode())
    assert f'href="/rules/{rule.pk}"' in page and "version 1" in words
    for said in OF_THE_FACE:
        assert said in words
    with aurora.acting():
        retire_rule(rule=get_rule(rule.pk), reason="the face is closed")
    kept(aurora, name="CH4 GAS-T0-01")
    assert f'href="/rules/{rule.pk}"' in page_of(sign_in(aurora), f"/alarms/{the_alarm(aurora).pk}")


def test_page_leads_to_the_trend_and_to_tasks_about_the_alarm(aurora, borealis):
    alarm = alarm_of(aurora)
    with aurora.acting():
        series = Series.objects.get(equipment=alarm.equipment_id)
    address, trend, post = f"/alarms/{alarm.pk}", f'href="/series/{series.pk}"', f'href="/tasks/new?alarm={alarm.pk}"'
    page = page_of(sign_in(aurora), address)
    assert trend in page and post in page and "Tasks about it" not in page
    task = published(aurora, alarm_id=alarm.pk)
    assert f'href="/tasks/{task.pk}"' in page_of(sign_in(aurora), address)
    opened(aurora, borealis, "view_alarms")
    partner = page_of(sign_in(borealis), address)
    assert trend not in partner and post not in partner and str(task.pk) not in partner
    opened(aurora, borealis, "view_telemetry")
    assert trend in page_of(sign_in(borealis), address)


def test_words_of_a_warning_stand_beside_the_value(aurora):
    said = "ch4 reaches 1 % in 9 min (7 min to 12 min)"
    gateway(aurora).say(Lane.P0, raised(0.6, detail=said))
    client, alarm = sign_in(aurora), the_alarm(aurora)
    for path in ("/", "/alarms", f"/alarms/{alarm.pk}"):
        assert said in text(page_of(client, path).encode()).partition("History")[0], path


def test_alarms_of_before_are_found_by_what_they_were_and_given_as_a_table(aurora, borealis, cassia):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised(), raised(alarm_type="dust", severity="low", value=2.5), cleared(alarm_type="dust"))
    client, site = sign_in(aurora), aurora.sites["north"].pk
    with aurora.acting():
        dust = Alarm.objects.get(alarm_type="dust")
        acknowledge_alarm(alarm=dust)
        assign_alarm(alarm=Alarm.objects.get(alarm_type="ch4.hi"), user_id=aurora.user.pk)
    past = page_of(client, f"/alarms?which=past&severity=low&site={site}&type=dust")
    assert f'href="/alarms/{dust.pk}"' in past and "ch4.hi" not in past and "style=" not in past
    assert "over" in text(page_of(client, f"/alarms/{dust.pk}").encode())
    today = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert "None." in page_of(client, f"/alarms?to={today}&from=2026-01-01") and "dust" in page_of(
        client, f"/alarms?from={today}"
    )
    mine = page_of(client, "/alarms?whom=me")
    assert "ch4.hi" in mine and "dust" not in mine
    assert client.get("/alarms?from=soon").status_code == 422 and client.get("/alarms?which=never").status_code == 404
    lines = client.get("/alarms.csv?which=past").content.decode().splitlines()
    assert len(lines) == 2 and lines[1].startswith(f"{dust.pk},dust,low,NORM,False,")
    opened(aurora, borealis, "view_alarms")
    assert "dust" in page_of(sign_in(borealis), "/alarms?whose=shared")
    assert "dust" not in page_of(sign_in(cassia), "/alarms?whose=shared")


def test_alarm_without_a_place_is_shown_with_the_reason_and_dismissed_by_a_manager(aurora):
    gateway(aurora).say(Lane.P0, raised(code="GAS-NEW"))
    client = sign_in(aurora)
    page = page_of(client, "/alarms")
    assert "There is no equipment with the code &#x27;GAS-NEW&#x27;" in page
    dismiss = re.search(r'action="(/alarms/set-aside/[^"]+)"', page)[1]
    assert "/dismiss" not in page_of(with_role(aurora, "viewer"), "/alarms")
    assert with_role(aurora, "viewer").post(dismiss, {"reason": "not ours"}).status_code == 403
    client = with_role(aurora, "manager")
    assert client.post(dismiss, {"reason": "not ours"}).status_code == 302
    assert "Alarms without a place" not in page_of(client, "/alarms")


def test_alarm_that_went_to_my_role_is_found_and_told_in_words(aurora):
    gateway(aurora).say(Lane.P0, raised(), raised(alarm_type="dust", severity="low"))
    with aurora.acting():
        escalate_due(aurora.id, datetime.now(UTC) + timedelta(seconds=301))
        alarm = Alarm.objects.get(alarm_type="ch4.hi")
    client = with_role(aurora, "manager")
    called = page_of(client, "/alarms?whom=called")
    assert "ch4.hi" in called and "dust" not in called
    said, _, history = text(page_of(client, f"/alarms/{alarm.pk}").encode()).partition("History")
    assert "step 1, to every manager" in said and "to every manager" in history and "role:" not in history
    assert "ch4.hi" not in page_of(with_role(aurora, "viewer"), "/alarms?whom=called")


def test_manager_clears_an_alarm_whose_gateway_began_anew(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P0, raised())
    alarm, client = the_alarm(aurora), sign_in(aurora)
    assert "/steps/clear" not in page_of(client, f"/alarms/{alarm.pk}")
    replace(edge, boot=uuid4(), next_seq=dict.fromkeys(Lane, 1)).say(Lane.P1, Birth(datetime.now(UTC), ()))
    assert "its gateway began anew" in page_of(client, f"/alarms/{alarm.pk}")
    words = step(client, alarm, "clear", reason="the journal was replaced")
    assert "back to normal, unacknowledged" in words and "the journal was replaced" in words


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
