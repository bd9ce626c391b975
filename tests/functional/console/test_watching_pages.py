"""A maker's fleet and a supervisor's mines, as their people see them."""

from datetime import UTC, datetime, timedelta

from edge_bridge.alarms import actions as alarming
from edge_bridge.catalogue.actions import enable_rule
from edge_bridge.models import Alarm, Series
from edge_bridge.protocol import Lane
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.rules import kept
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.edge.test_guards import mandate
from tests.integration.edge.test_watching import away
from tests.integration.tenants.read_scenes import share


def test_maker_sees_heat_map_and_pareto_of_machines_that_customers_opened(aurora, borealis):
    client = sign_in(borealis)
    assert "No customer opened" in page_of(client, "/fleet")
    share(aurora, borealis, "view_alarms", equipment="PUMP-07")
    assert "None of 1 machines had an alarm" in page_of(client, "/fleet?days=7")
    assert client.get("/fleet/charts/faults?days=7").status_code == 404
    gateway(aurora).say(Lane.P1, *(raised(code="PUMP-07", alarm_type=name) for name in ("hot", "dry", "leak")))
    page = page_of(client, "/fleet?days=7")
    shown = text(page.encode())
    assert "Aurora · PUMP-07 had the most alarms: 3" in shown and "dry makes 33 % of all alarms" in shown
    assert "style=" not in page
    for name in ("machines-by-day", "faults"):
        assert client.get(f"/fleet/charts/{name}?days=7").status_code == 200
        assert client.get(f"/fleet/charts/{name}.csv?days=7").content.count(b"\n") > 1
    assert client.get("/fleet/charts/gossip?days=7").status_code == client.get("/fleet?days=8").status_code == 404


def test_supervisor_sees_what_the_mine_silenced_and_a_sensor_that_is_silent(aurora, delta):
    client = sign_in(delta)
    assert "No mine is open" in page_of(client, "/oversight")
    share(aurora, delta, "view_telemetry", "view_alarms")
    edge = gateway(aurora)
    edge.say(Lane.P2, reading(0.4, code="GAS-T0-01", tag="CH4", ago_s=900))
    edge.say(Lane.P1, raised())
    until = datetime.now(UTC) + timedelta(minutes=10)
    with aurora.acting():
        place = {"tenant_id": aurora.id, "site": aurora.sites["north"]}
        Series.objects.create(**place, equipment=aurora.equipment["FAN-01"], tag="speed", unit="rpm")
        alarming.shelve_alarm(alarm=Alarm.objects.get(), until=until, reason="sensor is being calibrated")
    page = page_of(client, "/oversight?hours=1")
    shown = text(page.encode())
    assert "silenced by the mine: sensor is being calibrated" in shown and "ch4.hi: 1.0" in shown
    assert "FAN-01 speed none nothing heard" in " ".join(shown.split())
    assert "GAS-T0-01 CH4" in shown and "silent" in shown and "style=" not in page
    assert client.get("/oversight?hours=7").status_code == client.get("/oversight?site=x").status_code == 404
    assert "GAS-T0-01 CH4" in page_of(client, f"/oversight?hours=1&site={aurora.sites['north'].pk}")


def test_supervisor_reads_each_rule_of_safety_once_however_many_limits_it_has(aurora, delta):
    gateway(aurora).say(Lane.P2, reading(0.5, code="GAS-T0-01", tag="CH4"))
    rule = kept(aurora, hi_hi={"value": 1.5, "severity": "critical"})
    with aurora.acting():
        enable_rule(rule=rule, reason="new sensor")
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    words = text(page_of(sign_in(delta), "/oversight?hours=1").encode())
    assert "methane.hi: 1.0" in words and "methane.hi_hi: 1.5" in words
    assert words.count(f"{rule.name} guards people since") == 1


def test_supervisor_verifies_the_ledger_of_a_mine_under_its_mandate(aurora, delta, borealis):
    mandate(aurora, delta, "view_telemetry", "view_alarms")
    share(aurora, borealis, "view_telemetry")
    gateway(aurora).say(Lane.P2, reading(0.4, code="GAS-T0-01", tag="CH4"))
    client, address = sign_in(delta), f"/oversight?hours=1&check={aurora.id}"
    assert "verify its ledger" in page_of(client, "/oversight?hours=1")
    page = page_of(client, address)
    assert "are as they were made" in page and "Keep this elsewhere" in page
    proof = client.get(f"/oversight/proofs/{aurora.id}.zip")
    assert proof.status_code == 200 and b"".join(proof.streaming_content)[:2] == b"PK"
    partner = sign_in(borealis)
    assert partner.get(f"/oversight/proofs/{aurora.id}.zip").status_code == 404
    assert "verify its ledger" not in page_of(partner, "/oversight?hours=1")
    assert partner.get(address).status_code == 404


def test_supervisor_reads_the_log_of_gaps_after_they_were_filled_and_takes_it_as_csv(aurora, delta):
    share(aurora, delta, "view_telemetry")
    edge, left, back = away(aurora, minutes=14)
    away(aurora, minutes=14, edge=edge, filled=True)
    client, site = sign_in(delta), aurora.sites["north"].pk
    assert f"/oversight/gaps?site={site}" in page_of(client, "/oversight?hours=1")
    page = page_of(client, f"/oversight/gaps?site={site}")
    shown = " ".join(text(page.encode()).split())
    assert "GAS-T0-01 ch4" in shown and "16 late" in shown and "style=" not in page
    answer = client.get(f"/oversight/gaps.csv?site={site}")
    head, row = answer.content.decode("utf-8-sig").splitlines()
    assert head == "site,equipment,tag,known_since,from,to,length_s,state"
    minute = timedelta(minutes=1)
    begin, end = (left - minute).isoformat(), (back + minute).isoformat()
    assert row.split(",")[1:] == ["GAS-T0-01", "ch4", begin, begin, end, "960.0", "late"]
    assert "known only since" in shown
    gateway(aurora).say(Lane.P2, reading(code="PUMP-07"))
    rows = client.get(f"/oversight/gaps.csv?site={site}").content.decode("utf-8-sig").splitlines()
    assert len(rows) == 3 and rows[2].split(",")[1:3] == ["PUMP-07", "vibration"] and rows[2].endswith(",,,,")
    assert client.get("/oversight/gaps?days=32").status_code == client.get("/oversight/gaps?after=x").status_code == 404
    assert "No sensor is open" in page_of(sign_in(aurora), "/oversight/gaps")
