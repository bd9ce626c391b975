"""Usage, statement and budget as people of the organisation see them, without a browser."""

import re

from tenants.metering.months import month_of
from tests.functional.console.scenes import sign_in
from tests.functional.console.test_console import text, with_role
from tests.functional.console.test_plan_pages import page_of
from tests.integration.tenants.test_metering import NOW, costly, put_budget, spend, use


def test_month_shows_its_chart_statement_and_each_use(aurora):
    costly(aurora, price_minor=150)
    spend(aurora, use(quantity=1230), use(quantity=2, meter_name="accepted_tasks"))
    client = sign_in(aurora)
    page = page_of(client, "/usage")
    assert page.count("<svg ") == 2 and "style=" not in page
    words = text(page.encode())
    assert "1,845.00 USD" in words and "1,230" in words and "1.50 USD for each 1 above 0" in words
    place = re.search(r'href="(/usage/events\?meter=shared_reads[^"]*)"', page)[1]
    assert "1,230" in page_of(client, place.replace("&amp;", "&"))
    csv = client.get(re.search(r'href="(/api/v1/statements/[^"]+/csv)"', page)[1])
    assert csv.content.decode().splitlines()[-1] == "total,,,,184500,USD"
    bars = client.get(re.search(r'href="(/usage/charts/shared_reads\.csv\?[^"]+)"', page)[1])
    assert f"{NOW:%Y-%m-%d},1230" in bars.content.decode()


def test_budget_is_set_shown_and_lifted(aurora):
    costly(aurora)
    spend(aurora, use(quantity=1000))
    client = sign_in(aurora)
    given = {"cap": "12.50", "warn_percent": "50", "stops": "on"}
    assert client.post("/usage/budget", given).headers["Location"] == "/usage"
    page = page_of(client, "/usage")
    assert "10.00 USD of 12.50 USD 80 %" in text(page.encode())
    assert 'max="1250" value="1000"' in page
    client.post("/usage/budget", {"cap": "", "warn_percent": "50"})
    assert "without a budget" in page_of(client, "/usage")


def test_budget_that_makes_no_sense_is_refused_beside_its_field(aurora):
    answer = sign_in(aurora).post("/usage/budget", {"cap": "-1", "warn_percent": "500"})
    assert answer.status_code == 200
    assert "greater than or equal to 0" in answer.content.decode()


def test_used_up_budget_is_said_in_words(aurora):
    costly(aurora)
    put_budget(aurora, cap_minor=5)
    spend(aurora, use(quantity=9))
    assert "The budget is used up: new plans, experiments and exports are refused" in text(
        page_of(sign_in(aurora), "/usage").encode()
    )


def test_auditor_reads_and_viewer_is_refused(aurora):
    auditor = with_role(aurora, "auditor")
    assert "Set the budget" not in page_of(auditor, "/usage")
    assert auditor.post("/usage/budget", {"cap": "1"}).status_code == 403
    viewer = with_role(aurora, "viewer")
    assert viewer.get("/usage").status_code == 403


def test_month_before_the_organisation_was_founded_is_absent(aurora):
    client = sign_in(aurora)
    for month in ("2020-01", "2999-01", "nonsense", ""):
        assert client.get(f"/usage?month={month}").status_code == 404
    assert client.get(f"/usage?month={month_of(NOW):%Y-%m}").status_code == 200
    assert client.get("/usage/events?meter=nonsense").status_code == 422
