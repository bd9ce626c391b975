"""Terminal to person, with every process real: simulated terminals, the gateway, uvicorn, PostgreSQL."""

import pytest
from django.db.models import Sum

from edge_bridge import queries
from edge_bridge.models import Alarm, Reading, Watermark
from tests.database import ROOT
from tests.integration.edge.processes import GatewayProcess, terminals, wait_until
from tests.integration.edge.scenes import gateway, opened, set_aside, told

NAB = ROOT.parent / "shared" / "data" / "nab" / "data" / "realKnownCause" / "machine_temperature_system_failure.csv"
SCENARIO = """
name = "ventilation lost and regained"
seed = 7
start_at = 2026-03-01T06:00:00Z
duration_s = 280
step_s = 4
speed = 100
terminals = [
  { name = "gas", kind = "gas_sensor", equipment = "GAS-T0-01", ventilated_by = "FAN-01" },
  { name = "fan", kind = "fan", equipment = "FAN-01" },
]
faults = [{ kind = "fan_stop", equipment = "FAN-01", label = "fan trips", start_s = 20, duration_s = 120 }]
"""


def imbalance(owner) -> int | None:
    with owner.acting():
        session = Watermark.objects.filter(tenant=owner.id, lane="p1").first()
        return queries.imbalance(session) if session else None


@pytest.mark.parametrize("uplink", ["http", "websocket"])
def test_methane_of_a_mine_reaches_the_feeds_of_owner_and_partner(aurora, borealis, cassia, live_web, tmp_path, uplink):
    opened(aurora, borealis, "view_alarms")
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(SCENARIO)
    with GatewayProcess(tmp_path, gateway(aurora), live_web.base_url, uplink) as edge:
        terminals("run", str(scenario), "--gateway", edge.url, "--once")
        wait_until(lambda: imbalance(aurora) == 0)
        wait_until(lambda: ("alarm.cleared", "RTNUN") in told(aurora))
    assert told(aurora) == told(borealis) and told(cassia) == []
    assert set_aside(aurora) == []
    with aurora.acting():
        methane = Alarm.objects.get(alarm_type="methane.hi", state="RTNUN")
        assert methane.severity == "critical" and methane.cleared_at > methane.raised_at
        counts = Watermark.objects.get(lane="p2")
        assert counts.stored == Reading.objects.count() and counts.missing > 0


def test_nothing_is_lost_or_doubled_when_gateway_and_cloud_are_killed(aurora, live_web, tmp_path):
    csv = tmp_path / "series.csv"
    lines = [f"2026-01-01 00:{n // 60:02}:{n % 60:02},{n}" for n in range(500)]
    csv.write_text("\n".join(["timestamp,value", *lines]) + "\n")
    with GatewayProcess(tmp_path, gateway(aurora), live_web.base_url) as edge:
        for _ in range(2):
            terminals(*replay(csv, edge))
            live_web.kill()
            edge.kill()
            edge.start()
            terminals(*replay(csv, edge))
            live_web.restart()
        wait_until(lambda: imbalance(aurora) == 0 and count(aurora) == 2000)
    with aurora.acting():
        assert Reading.objects.own().aggregate(sum=Sum("value"))["sum"] == 4 * sum(range(500))


def replay(csv, edge) -> list[str]:
    where = ["--equipment", "PUMP-07", "--tag", "machine_temperature", "--gateway", edge.url, "--rate", "20000"]
    return ["replay", str(csv), *where]


def count(owner) -> int:
    with owner.acting():
        return Reading.objects.count()


@pytest.mark.skipif(not NAB.exists(), reason="the Numenta benchmark is not beside the project (../shared/data/nab)")
def test_recorded_machine_temperature_arrives_whole(aurora, live_web, tmp_path):
    with NAB.open() as file:
        values = [float(line.split(",")[1]) for line in file.readlines()[1:]]
    with GatewayProcess(tmp_path, gateway(aurora), live_web.base_url) as edge:
        terminals(*replay(NAB, edge))
        wait_until(lambda: imbalance(aurora) == 0 and count(aurora) == len(values))
    with aurora.acting():
        assert Reading.objects.own().aggregate(sum=Sum("value"))["sum"] == pytest.approx(sum(values))
        assert Alarm.objects.filter(alarm_type="machine_temperature.lo").exists()
