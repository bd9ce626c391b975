"""Usage over HTTP: each line of a statement is the sum of events that can be read, to the minor unit."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tenants.agreements import actions as agreeing
from tenants.context import as_platform
from tenants.models import Agreement, Tenant
from tests.integration.edge.scenes import Lane, gateway, raised
from tests.integration.tenants.test_metering import NOW, THIS_MONTH, costly, put_budget, roll_up, spend, use

MONTH = f"{THIS_MONTH:%Y-%m}"


def test_statement_is_the_sum_of_its_lines_and_each_line_that_of_its_events(aurora):
    costly(aurora, price_minor=7, per=2)
    spend(aurora, *(use(quantity=n) for n in (1, 2, 4)), use(meter_name="accepted_tasks"))
    client = aurora.client()
    found = client.get(f"/api/v1/statements/{MONTH}").json()
    assert found["total_minor"] == sum(line["amount_minor"] for line in found["lines"]) == 25  # 24.5
    line = found["lines"][0]
    assert (line["meter"], line["unit"], line["quantity"]) == ("shared_reads", "rows", "7.000")
    events = client.get(f"/api/v1/usage-events?meter=shared_reads&month={MONTH}").json()["results"]
    assert sum(Decimal(event["quantity"]) for event in events) == Decimal(line["quantity"])
    roll_up(aurora)
    hours = client.get(f"/api/v1/usage-hours?meter=shared_reads&month={MONTH}").json()["results"]
    assert sum(Decimal(hour["quantity"]) for hour in hours) == Decimal(line["quantity"])
    (row,) = client.get("/api/v1/statements").json()["results"]
    assert (row["month"], row["closed_at"], row["total_minor"]) == (MONTH, None, None)


def test_events_are_read_page_by_page_and_by_hour(aurora):
    spend(aurora, *(use() for _ in range(5)))
    client = aurora.client()
    page = client.get("/api/v1/usage-events?page_size=2").json()
    seen = [event["id"] for event in page["results"]]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += [event["id"] for event in page["results"]]
    assert len(seen) == len(set(seen)) == 5
    earlier = (NOW - timedelta(hours=3)).isoformat().replace("+00:00", "Z")
    assert client.get("/api/v1/usage-events", {"hour": earlier}).json()["results"] == []


@pytest.mark.parametrize("query", ["meter=nonsense", "month=2026-13", "hour=noon"])
def test_filter_that_is_not_understood_is_refused_with_its_name(aurora, query):
    answer = aurora.client().get(f"/api/v1/usage-events?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{query.split('=')[0]}"


def test_statement_comes_as_csv_too(aurora):
    spend(aurora, use(quantity=3))
    lines = aurora.client().get(f"/api/v1/statements/{MONTH}/csv").content.decode().splitlines()
    assert lines == [
        "meter,unit,quantity,free,amount_minor,currency",
        "shared_reads,rows,3.000,3.000,0,USD",
        "total,,,,0,USD",
    ]


@pytest.mark.parametrize("month", ["2020-01", "2999-12", "nonsense"])
def test_month_without_the_organisation_is_absent(aurora, month):
    assert aurora.client().get(f"/api/v1/statements/{month}").status_code == 404


def test_budget_is_put_read_and_lifted(aurora):
    client = aurora.client()
    assert client.get("/api/v1/budget").json()["cap_minor"] is None
    put = client.put("/api/v1/budget", {"cap_minor": 500, "warn_frac": "0.9"}, format="json")
    assert put.status_code == 200
    told = client.get("/api/v1/budget").json()
    assert (told["cap_minor"], told["used_minor"], told["currency"], told["stops"]) == (500, 0, "USD", True)
    assert client.put("/api/v1/budget", {"cap_minor": -1}, format="json").status_code == 422
    assert client.delete("/api/v1/budget").status_code == 204
    assert client.get("/api/v1/budget").json()["cap_minor"] is None


def test_used_up_budget_stops_new_work_but_no_ingest_and_no_reading(aurora):
    costly(aurora, meter="feed_deliveries")
    put_budget(aurora, cap_minor=0)
    gateway(aurora).say(Lane.P0, raised())
    client = aurora.client()
    (alarm,) = client.get("/api/v1/alarms").json()["results"]
    assert client.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", {}, format="json").status_code == 200
    assert client.get("/api/v1/feed/events").status_code == 200
    study = {"kind": "silos", "name": "S", "options": {}}
    assert client.post("/api/v1/experiments", study, format="json").status_code == 402
    assert client.post("/api/v1/exports").status_code == 402


def test_rates_in_force_are_told(aurora, delta):
    rates = aurora.client().get("/api/v1/rate-plan").json()["rates"]
    assert {"meter": "solver_seconds", "above": 3600, "price_minor": 1, "per": 10} in rates
    assert delta.client().get("/api/v1/rate-plan").json()["rates"] == []


def test_plan_of_one_organisation_is_not_seen_by_another(aurora, cassia):
    costly(aurora)
    assert aurora.client().get("/api/v1/rate-plan").json()["name"] == "Dear"
    assert cassia.client().get("/api/v1/rate-plan").json()["name"] == "Standard"


# Under an agreement ---------------------------------------------------------------------------------------------------


def priced(owner, partner, price_minor, price_per):
    """An agreement in force whose one clause has this price."""
    clause = {
        "site": owner.sites["north"],
        "permissions": ["view_alarms"],
        "during": (NOW - timedelta(seconds=1), None),
        "price_minor": price_minor,
        "price_per": price_per,
    }
    with owner.acting():
        return agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=partner.id, title="Watch", purpose="maintenance", clauses=[clause]
        )


def usage_of(party, agreement, query=""):
    return party.client().get(f"/api/v1/agreements/{agreement.pk}/usage{query}").json()


def test_both_parties_see_the_same_lines_of_what_was_read_and_its_price(aurora, borealis, cassia):
    agreement = priced(aurora, borealis, 1000, "thousand_reads")
    gateway(aurora).say(Lane.P0, raised(alarm_type="one"), raised(alarm_type="two"))
    borealis.client().get("/api/v1/alarms?shared=true")
    records = aurora.client().get(f"/api/v1/shared-reads?agreement={agreement.pk}").json()["results"]
    n_rows = sum(record["n_rows"] for record in records)
    told = usage_of(aurora, agreement)
    assert told == usage_of(borealis, agreement)
    (line,) = told["lines"]
    assert n_rows >= 2
    assert (line["rows_read"], line["quantity"], line["amount_minor"]) == (n_rows, n_rows, n_rows)
    assert (told["total_minor"], told["currency"]) == (n_rows, "USD")
    assert told["months_total"] == {"rows_read": n_rows, "total_minor": n_rows}
    assert [(each["month"], each["total_minor"]) for each in told["months"]] == [(told["month"], n_rows)]
    assert cassia.client().get(f"/api/v1/agreements/{agreement.pk}/usage").status_code == 404
    assert usage_of(aurora, agreement, "?month=2026-01")["total_minor"] == 0


@pytest.mark.parametrize("per", ["once", "day", "month"])
def test_clause_in_force_since_now_costs_its_price_once_so_far(aurora, borealis, per):
    agreement = priced(aurora, borealis, 700, per)
    assert usage_of(borealis, agreement)["total_minor"] == 700


def test_cost_of_the_months_is_their_sum_since_it_came_into_force(aurora, borealis):
    agreement = priced(aurora, borealis, 700, "month")
    begun = (NOW.replace(day=1) - timedelta(days=40)).replace(day=1)
    with as_platform("operator", "an agreement of old"):
        Agreement.objects.filter(pk=agreement.pk).update(activated_at=begun)
    with as_platform("operator", "an unlisted owner"):
        Tenant.objects.filter(pk=aurora.id).update(listed=False)
    told = usage_of(borealis, agreement)
    # The clause itself begins now, so that the months before it cost nothing.
    assert [each["total_minor"] for each in told["months"]] == [700, 0, 0]
    assert told["months_total"]["total_minor"] == told["total_minor"] == 700 and told["currency"] == "USD"


def test_of_an_old_agreement_the_twelve_months_up_to_the_one_asked_for_are_summed(aurora, borealis):
    agreement = priced(aurora, borealis, 1000, "thousand_reads")
    gateway(aurora).say(Lane.P0, raised())
    borealis.client().get("/api/v1/alarms?shared=true")
    with as_platform("operator", "an agreement of old"):
        Agreement.objects.filter(pk=agreement.pk).update(activated_at=NOW - timedelta(days=800))
    now = usage_of(aurora, agreement)
    then = usage_of(aurora, agreement, f"?month={now['months'][-1]['month']}")
    assert [len(told["months"]) for told in (now, then)] == [12, 12]
    assert now["months"][-1] == then["months"][0]
    assert (now["months_total"]["rows_read"] > 0, then["months_total"]["rows_read"]) == (True, 0)


def test_agreement_that_never_came_into_force_costs_nothing(aurora, borealis):
    clause = {"site": aurora.sites["north"], "permissions": ["view_alarms"], "during": (NOW, None)}
    with aurora.acting():
        draft = agreeing.draft_agreement(
            partner=borealis.tenant,
            title="D",
            purpose="p",
            clauses=[{**clause, "price_minor": 5, "price_per": "month"}],
        )
    assert usage_of(aurora, draft)["total_minor"] == 0
