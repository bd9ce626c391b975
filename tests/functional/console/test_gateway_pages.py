"""Gateways as their owner's people see them: who speaks, by which rules, and what became of what was sent."""

from datetime import UTC, datetime, timedelta

from edge_bridge.actions import revoke_device
from edge_bridge.alarms.sweeps import sweep_of
from edge_bridge.models import Alarm
from edge_bridge.protocol import Heartbeat, Lane
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.scenes import gateway, reading
from tests.integration.edge.test_counts import busy


def test_list_names_each_gateway_and_says_whether_it_speaks_and_balances(aurora, cassia):
    edge, other = busy(aurora), gateway(aurora)
    client = sign_in(aurora)
    page = page_of(client, "/gateways")
    words = text(page.encode())
    assert "style=" not in page and f'href="/gateways/{edge.device.pk}"' in page
    assert "heard" in words and "balance" in words and "never heard" in words and "only its own" in words
    assert 'data-follows="alarm rule"' in page and "Gateways" in page_of(client, "/gateways/rows")
    with aurora.acting():
        revoke_device(device=other.device)
    assert "revoked" in text(page_of(client, "/gateways").encode())
    assert str(edge.device.pk) not in page_of(sign_in(cassia), "/gateways")


def test_page_of_one_draws_its_balance_and_gives_it_as_a_table(aurora, borealis):
    edge, client = busy(aurora), sign_in(aurora)
    page = page_of(client, f"/gateways/{edge.device.pk}")
    words = text(page.encode())
    assert "style=" not in page and page.count("<svg") == 1 and "what became of them" in words
    assert "as ours, within 5 s" in words and str(edge.boot)[:8] in words and "0, by its last heartbeat" in words
    lines = client.get(f"/gateways/{edge.device.pk}/balance.csv?hours=168").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Hour (UTC),Lane,Sent,Stored,Quarantined,Filtered,Thinned,Refused,Lost,Produced,Off by"
    assert any(",p2,8,2,1,2,1,2,1,0," in line for line in lines[1:])
    assert client.get(f"/gateways/{edge.device.pk}/balance").status_code == 200
    assert client.get(f"/gateways/{edge.device.pk}?hours=9").status_code == 404
    assert "Streams" in page_of(client, f"/gateways/{edge.device.pk}/body")
    assert with_role(aurora, "operator").get(f"/gateways/{edge.device.pk}").status_code == 200
    assert with_role(aurora, "finance").get("/gateways").status_code == 403
    for place in ("", "/body", "/balance", "/balance.csv"):
        assert sign_in(borealis).get(f"/gateways/{edge.device.pk}{place}").status_code == 404


def test_gateway_that_never_spoke_is_silent_after_a_while(aurora):
    edge, client = gateway(aurora), sign_in(aurora)
    with aurora.acting():
        sweep_of(aurora.id, datetime.now(UTC) + timedelta(minutes=3))
    assert "silent, never heard" in text(page_of(client, "/gateways").encode())
    edge.post(edge.batch(Lane.P2, reading()))
    assert "silent" not in text(page_of(client, "/gateways").encode())


def test_gateway_that_brought_nothing_has_a_page_without_a_chart(aurora):
    edge, client = gateway(aurora), sign_in(aurora)
    page = page_of(client, f"/gateways/{edge.device.pk}")
    assert "nothing was heard of it" in page and "<svg" not in page
    assert client.get(f"/gateways/{edge.device.pk}/balance").status_code == 404


def test_imbalance_leads_from_its_alarm_to_the_balance_of_the_gateway(aurora):
    edge, client = gateway(aurora), sign_in(aurora)
    edge.say(Lane.P2, reading())
    edge.say(Lane.P1, Heartbeat(datetime.now(UTC), 4, 1))
    with aurora.acting():
        alarm = Alarm.objects.get(alarm_type="counts_imbalance")
    assert f'href="/gateways/{edge.device.pk}"' in page_of(client, f"/alarms/{alarm.pk}")
    assert "off by 3" in text(page_of(client, f"/gateways/{edge.device.pk}").encode())
