"""Sensors on their pages: the trend with its gaps and limits, how good it was, and who sees what of it."""

from edge_bridge.models import Series
from edge_bridge.protocol import Lane
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.tenants.read_scenes import share


def measured(owner) -> Series:
    edge = gateway(owner)
    ago_s = [*range(1200, 900, -10), *range(600, 0, -10)]
    edge.say(Lane.P2, *[reading(1.0 + n % 5, tag="ch4", ago_s=s) for n, s in enumerate(ago_s)])
    edge.say(Lane.P0, raised(code="PUMP-07", tag="ch4"))
    with owner.acting():
        return Series.objects.get(tenant=owner.id)


def test_series_page_draws_trend_limit_and_gap_and_says_where_it_comes_from(aurora, borealis):
    series = measured(aurora)
    share(aurora, borealis, "view_telemetry", delay_s=5)
    page = page_of(sign_in(aurora), f"/series/{series.pk}?hours=1")
    words = text(page.encode())
    assert "<svg" in page and "style=" not in page and "limit of ch4.hi" in page and "no readings: silent" in page
    assert "ch4 of PUMP-07" in words and "North gateway" in words and "5 s later" in words and "90 days" in words
    figure = sign_in(aurora).get(f"/series/{series.pk}/figure.csv?hours=1").content.decode("utf-8-sig")
    assert figure.splitlines()[0] == "At (UTC),Mean,Lowest,Highest,Readings,Gap" and "silent" in figure


def test_partner_sees_the_trend_but_not_who_else_does_and_the_outsider_nothing(aurora, borealis, cassia):
    series = measured(aurora)
    share(aurora, borealis, "view_telemetry")
    words = text(page_of(sign_in(borealis), f"/series/{series.pk}?hours=1").encode())
    assert "ch4 of PUMP-07" in words and "Partners who may see it" not in words and "limit of" not in words
    assert sign_in(cassia).get(f"/series/{series.pk}").status_code == 404
    assert sign_in(aurora).get(f"/series/{series.pk}?hours=3").status_code == 404


def test_all_sensors_are_found_by_name_and_what_is_not_understood_comes_with_what_to_do(aurora):
    gateway(aurora).say(Lane.P2, reading(1.0, tag="methane"), reading(27.5, tag="noise"))
    client = sign_in(aurora)
    words = text(page_of(client, "/sensors").encode())
    assert "perhaps 'ch4' is meant" in words and "No unit is named" in words
    assert "noise PUMP-07" in words and "27.5" in words
    assert "27.5" in text(page_of(client, "/sensors?name=pump").encode())
    assert "27.5" not in text(page_of(client, "/sensors?name=meth").encode())


def test_newest_value_of_a_clock_that_is_ahead_is_marked(aurora, borealis):
    share(aurora, borealis, "view_telemetry")
    edge, client = gateway(aurora), sign_in(aurora)
    edge.say(Lane.P2, reading(27.5, tag="noise", ago_s=-3600))
    assert "clock ahead" in text(page_of(client, "/sensors").encode())
    assert "its clock is ahead" in text(page_of(sign_in(borealis), "/oversight").encode())
    edge.say(Lane.P2, reading(27.5, tag="noise"))
    assert "clock ahead" not in text(page_of(client, "/sensors").encode())
