"""A day of a site's machines as its people, and partners, see it; hand-overs that two sign."""

import re
from dataclasses import replace
from datetime import date

from edge_bridge.production.actions import draft_handover
from tenants.models import FeedEvent
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.test_production import at_work, foreman_of
from tests.integration.marketplace.scenes import alarm_of, published
from tests.integration.tenants.read_scenes import share


def place(owner, shift: str = "") -> str:
    return f"/production?site={owner.sites['north'].pk}&day=2026-03-02&shift={shift}"


def test_page_shows_the_day_with_its_charts_and_causes(aurora):
    at_work(aurora)
    client = sign_in(aurora)
    page = page_of(client, place(aurora))
    words = text(page.encode())
    assert "style=" not in page and page.count("<svg") == 3
    assert "breakdown" in words and "unplanned maintenance" in words and "Availability" in words
    csv = client.get(re.search(r'href="(/production/charts/hour-strip\.csv\?[^"]+)"', page)[1].replace("&amp;", "&"))
    assert csv.status_code == 200 and len(csv.content.decode("utf-8-sig").splitlines()) == 25
    for day in ("yesterday", "0001-01-01", "9999-12-31"):
        assert client.get(place(aurora).replace("2026-03-02", day)).status_code == 422


def test_stop_is_corrected_on_the_page_of_its_machine(aurora, borealis):
    at_work(aurora)
    share(aurora, borealis, "view_production")
    client, truck = sign_in(aurora), aurora.equipment["TRUCK-07"]
    asked = f"/production/machines/{truck.pk}?day=2026-03-02&shift=day"
    page = page_of(client, asked)
    (stop,) = re.findall(r'<option value="([^"]+)">2 Mar, 14:00, 60 min', page)
    given = {"stop": stop, **dict(re.findall(r'name="(day|shift)" value="([^"]+)"', page))}
    answer = client.post(asked, {**given, "category": "planned_maintenance", "reason": "tyres were due"})
    assert answer.status_code == 302, text(answer.content)
    said = text(page_of(client, answer.headers["Location"]).encode())
    assert "14:00 to 2 Mar, 15:00: planned maintenance, tyres were due" in said
    assert client.post(asked, {**given, "category": "standby", "reason": ""}).status_code == 422
    assert client.post(asked, {**given, "stop": "then/now", "category": "standby", "reason": "x"}).status_code == 422
    partners = sign_in(borealis)
    assert "Say so" not in page_of(partners, asked) and partners.post(asked, given).status_code in (403, 404)


def test_partner_sees_the_site_and_no_handover_and_an_outsider_nothing(aurora, borealis, cassia):
    at_work(aurora)
    share(aurora, borealis, "view_production")
    page = page_of(sign_in(borealis), place(aurora))
    assert page.count("<svg") == 3 and "Draft" not in text(page.encode())
    assert sign_in(cassia).get(place(aurora)).status_code == 404


def test_handover_is_drafted_and_signed_on_the_page(aurora):
    at_work(aurora)
    task = published(aurora, alarm_id=alarm_of(aurora).pk)
    client = sign_in(aurora)
    given = {"site": str(aurora.sites["north"].pk), "day": "2026-03-02", "shift": "day", "notes": "watch the ramp"}
    answer = client.post("/handovers", given)
    assert answer.status_code == 302, answer.content.decode()
    drafted = answer.headers["Location"]
    page = page_of(client, drafted)
    assert f'href="/tasks/{task.pk}"' in page and "critical, unacknowledged" in text(page.encode())
    assert "watch the ramp" in page_of(client, drafted) and "Sign for the outgoing" in page_of(client, drafted)
    assert client.post(drafted).status_code == 302
    assert "Sign for" not in page_of(client, drafted)
    foreman = sign_in(replace(aurora, user=foreman_of(aurora)))
    assert foreman.post(drafted).status_code == 302
    signed = text(page_of(foreman, drafted).encode())
    assert "signed by both" in signed and f"shift by {aurora.user.name}" in signed and "one by Incoming" in signed
    assert with_role(aurora, "viewer").post(drafted).status_code == 403


def test_site_without_machines_says_what_is_missing(aurora):
    assert "No machine was heard here" in page_of(sign_in(aurora), "/production")


def test_whoever_may_take_over_is_told_of_a_signed_handover_until_somebody_has(aurora):
    with aurora.acting():
        row = draft_handover(site=aurora.sites["north"], shift="day", day=date(2026, 3, 2))
    mine, foreman = sign_in(aurora), sign_in(replace(aurora, user=foreman_of(aurora)))
    assert str(row.pk) not in page_of(foreman, "/")
    assert mine.post(f"/handovers/{row.pk}").status_code == 302
    assert f"/handovers/{row.pk}" in page_of(foreman, "/panels/handovers") and str(row.pk) in page_of(foreman, "/")
    assert str(row.pk) not in page_of(mine, "/"), "whoever signed can't sign again"
    assert with_role(aurora, "viewer").get("/panels/handovers").status_code == 403
    assert foreman.post(f"/handovers/{row.pk}").status_code == 302
    assert str(row.pk) not in page_of(foreman, "/")
    with aurora.acting():
        told = FeedEvent.objects.filter(kind__startswith="handover.").order_by("seq")
        assert [(each.kind, each.permission) for each in told] == [
            ("handover.waiting", "acknowledge_alarms"),
            ("handover.taken", "acknowledge_alarms"),
        ]
        assert told[0].body["handover"] == str(row.pk) and told[0].body["outgoing"] == str(aurora.user.pk)
        assert told[0].body["incoming"] is None and told[1].body["incoming"]
