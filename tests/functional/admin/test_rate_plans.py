"""Operators make rate plans and assign them in the platform's administration; nothing of them changes afterwards."""

from tenants.context import as_platform
from tenants.models import RateAssignment, RatePlan
from tests.functional.admin.test_admin import at_the_platform, operator  # noqa: F401, a fixture
from tests.integration.tenants.test_metering import THIS_MONTH

RATES = {
    **{f"rates-{name}_FORMS": "0" for name in ("INITIAL", "MIN_NUM", "MAX_NUM")},
    **{"rates-TOTAL_FORMS": "1", "rates-MAX_NUM_FORMS": "1000"},
    **{"rates-0-meter": "solver_seconds", "rates-0-above": "0", "rates-0-price_minor": "2", "rates-0-per": "1"},
}


def made(client, currency):
    plan = {"name": f"Special {currency}", "currency": currency, "kind": "", "from_month": THIS_MONTH}
    answer = client.post("/platform/tenants/rateplan/add/", plan | RATES)
    assert answer.status_code == 302, answer.content.decode()
    with as_platform("tests", "look"):
        return RatePlan.objects.filter(name=plan["name"]).order_by("-pk").first()


def test_operator_makes_a_plan_and_assigns_it_in_the_organisations_currency_only(aurora, operator):  # noqa: F811
    client = at_the_platform(operator, "prices for Aurora")
    assignment = {"organisation": aurora.id, "from_month": THIS_MONTH}
    wrong = client.post("/platform/tenants/rateassignment/add/", {**assignment, "plan": made(client, "CLP").pk})
    assert "another currency" in wrong.content.decode()
    plan = made(client, "USD")
    assert client.post("/platform/tenants/rateassignment/add/", {**assignment, "plan": plan.pk}).status_code == 302
    with as_platform("tests", "look"):
        assert RateAssignment.objects.get(tenant=aurora.id).plan == plan
    rates = aurora.client().get("/api/v1/rate-plan").json()["rates"]
    assert rates == [{"meter": "solver_seconds", "above": 0, "price_minor": 2, "per": 1}]
    page = f"/platform/tenants/rateplan/{plan.pk}/change/"
    assert client.post(page, {"name": "Other", "currency": "USD", "from_month": THIS_MONTH} | RATES).status_code == 403
