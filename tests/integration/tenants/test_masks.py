"""For random clauses no answer of any kind has a value that all of them hide, and each other value is there."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import Lane
from tenants.agreements.actions import end_agreement
from tenants.feed.log import head_now
from tests import personas
from tests.functional.console.scenes import sign_in
from tests.integration.edge.scenes import gateway, raised, reading, the_alarm
from tests.integration.tenants.read_scenes import share

# Each is a text that nothing else in an answer holds.
HIDDEN_BY = {"value": ("77123.5", "88456.25"), "limit": ("66789.5",), "tag": ("zinc-flux",), "rule": ("quartz-guard",)}
HIDDEN_BY |= {"name": ("Aurora North", "Slurry pump 7"), "kind": ("slurry-machine",)}
FIELDS = sorted(HIDDEN_BY)

masks = st.lists(st.sets(st.sampled_from(FIELDS)), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def scene():
    """Aurora with an alarm and a reading of one pump, full of sentinels, and a partner with a program and a browser."""
    owner = personas.aurora()
    with owner.acting():
        pump = owner.equipment["PUMP-07"]
        pump.kind = "slurry-machine"
        pump.save()
    sender = gateway(owner)
    said = {"code": "PUMP-07", "tag": "zinc-flux", "rule": "quartz-guard", "limit": 66789.5}
    sender.say(Lane.P1, raised(77123.5, **said))
    sender.say(Lane.P2, reading(88456.25, tag="zinc-flux"))
    partner = personas.borealis()
    return owner, lambda: sender.say(Lane.P1, raised(77123.5, **said)), partner, partner.client(), sign_in(partner)


def texts_for(client, browser, owner, told) -> dict[str, str]:
    """Every answer that may hold something of the pump; the feed from `told`, its number and epoch, on."""
    pump, alarm = owner.equipment["PUMP-07"].pk, the_alarm(owner).pk
    series = client.get(f"/api/v1/equipment/{pump}/series").json()["results"][0]["id"]
    paths = {
        "alarms": "alarms?shared=true",
        "alarm": f"alarms/{alarm}",
        "sites": "sites",
        "equipment": "equipment",
        "series": f"equipment/{pump}/series",
        "readings": f"series/{series}/readings",
        "summary": f"series/{series}/summary?bucket_s=60&until=2100-01-01T00:00:00Z&since=2099-12-31T23:00:00Z",
        "feed": f"feed/events?after={told[0]}&epoch={told[1]}",
        "reads": "shared-reads",
        "table": "shared-reads.csv",
    }
    answers = {name: client.get(f"/api/v1/{path}") for name, path in paths.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(paths, 200)
    pages = {page: browser.get(page) for page in ("/panels/alarms", "/reads.csv?side=taken")}
    return {name: answer.content.decode() for name, answer in (answers | pages).items()}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(masks=masks)
def test_value_that_every_clause_hides_is_in_no_answer_and_the_others_are(scene, masks):
    owner, raise_again, partner, client, browser = scene
    opened = [
        share(owner, partner, "view_alarms", "view_telemetry", equipment="PUMP-07", field_mask=sorted(mask))
        for mask in masks
    ]
    with partner.acting():
        head = head_now()
    raise_again()
    texts = texts_for(client, browser, owner, (head.seq, head.epoch))
    with owner.acting():
        for agreement in opened:
            end_agreement(agreement=agreement, reason="next example")
    hidden = set.intersection(*masks)
    for field in FIELDS:
        for sentinel in HIDDEN_BY[field]:
            found = [name for name, text in texts.items() if sentinel in text]
            assert bool(found) == (field not in hidden), (field, sentinel, found)
