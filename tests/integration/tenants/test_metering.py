"""What organisations use is counted once, in its hour, and told as a statement that anybody can recompute."""

import os
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import Lane
from marketplace.models import ServiceTask
from optimization import actions as planning
from optimization.models import PlanRun
from optimization.tasks import solve_plan
from tenants.context import as_platform
from tenants.data import Forbidden, Invalid, PaymentRequired
from tenants.metering import actions, queries, rolling
from tenants.metering.counting import meter
from tenants.metering.months import bounds_of, month_of
from tenants.metering.rates import refuse_other_currency
from tenants.metering.use import Use
from tenants.models import FeedEvent, Rate, RateAssignment, RatePlan, Statement, UsageEvent, UsageHour, UsageMark
from tenants.task import _packed
from tests import personas
from tests.integration.edge.scenes import gateway, raised, reading
from tests.integration.marketplace import scenes as market
from tests.integration.optimization import documents
from tests.integration.tenants.read_scenes import reads_of
from tests.integration.tenants.test_grants import opened_to

NOW = datetime.now(UTC)
THIS_MONTH = month_of(NOW)
LAST_MONTH = month_of(bounds_of(THIS_MONTH)[0] - timedelta(days=1))


def use(event_id="", quantity=1, meter_name="shared_reads", at=None, **more):
    return Use("test", event_id or uuid4().hex, meter_name, quantity, ("test", "1"), at=at, **more)


def spend(owner, *uses):
    with owner.acting():
        for each in uses:
            meter(each)


def roll_up(owner=None):
    """Until nothing of the owner's is left; a round is closed by one sweep and added by the next."""
    deadline = time.monotonic() + 60
    while True:
        with as_platform("tests", "roll up usage"):
            rolling.roll_up()
        if owner is None or not waiting(owner):
            return
        assert time.monotonic() < deadline, "the roll-up never came through"
        time.sleep(0.02)


def waiting(owner):
    with owner.acting():
        mark = UsageMark.objects.get()
        return UsageEvent.objects.filter(tenant=owner.id, written_in__gt=mark.through).exists()


def hours_of(owner):
    with owner.acting():
        return {(row.meter, row.hour): row.quantity for row in UsageHour.objects.filter(tenant=owner.id)}


def used_by(owner, begins_at=datetime(2020, 1, 1, tzinfo=UTC), ends_at=datetime(2100, 1, 1, tzinfo=UTC)):
    with owner.acting():
        return queries.used(owner.id, begins_at, ends_at)


def costly(owner, price_minor=1, per=1, meter="shared_reads"):
    """From this month on the organisation pays this much for each use of one meter."""
    with as_platform("tests", "a plan of its own"):
        plan = RatePlan.objects.create(name="Dear", currency="USD", from_month=LAST_MONTH, is_standard=False)
        Rate.objects.create(plan=plan, meter=meter, above=0, price_minor=price_minor, per=per)
        RateAssignment.objects.create(tenant=owner.tenant, plan=plan, from_month=LAST_MONTH)


# Counting -------------------------------------------------------------------------------------------------------------


def test_repeated_event_counts_once(aurora):
    spend(aurora, use("a", 3))
    spend(aurora, use("a", 3), use("b", 4))
    assert used_by(aurora) == {"shared_reads": Decimal(7)}


def test_use_in_a_transaction_that_fails_is_not_counted(aurora):
    with pytest.raises(ZeroDivisionError), aurora.acting():
        meter(use())
        raise ZeroDivisionError
    assert used_by(aurora) == {}


def test_use_is_counted_before_and_after_it_is_rolled_up_alike(aurora):
    spend(aurora, use(quantity=5))
    before = used_by(aurora)
    roll_up(aurora)
    assert used_by(aurora) == before == {"shared_reads": Decimal(5)}
    assert sum(hours_of(aurora).values()) == 5


def test_transaction_that_was_open_during_a_roll_up_is_counted_by_the_next_one(aurora):
    with psycopg.connect(os.environ["DATABASE_PLATFORM_URL"]) as slow:
        columns = "id, tenant_id, source, event_id, meter, quantity, at, hour, subject_kind, subject_id"
        slow.execute(
            f"INSERT INTO tenants_usageevent ({columns}) VALUES (gen_random_uuid(), %s, 'test', 'slow', "
            "'shared_reads', 2, now(), date_trunc('hour', now(), 'UTC'), '', '')",
            [aurora.id],
        )
        spend(aurora, use("quick", 3))
        for _ in range(3):
            roll_up()
        assert used_by(aurora) == {"shared_reads": Decimal(3)}
        slow.commit()
    assert used_by(aurora) == {"shared_reads": Decimal(5)}
    roll_up(aurora)
    roll_up()
    assert sum(hours_of(aurora).values()) == 5
    assert used_by(aurora) == {"shared_reads": Decimal(5)}


def test_partner_never_sees_what_the_other_used(aurora, cassia):
    spend(aurora, use())
    roll_up(aurora)
    with cassia.acting():
        for model in (UsageEvent, UsageHour, Statement):
            assert not model.objects.filter(tenant=aurora.id).exists()
    assert used_by(cassia) == {}


def test_usage_event_never_changes(aurora):
    spend(aurora, use("a"))
    with pytest.raises(DatabaseError, match="stays recorded"), as_platform("tests", "tamper"):
        UsageEvent.objects.filter(tenant=aurora.id).update(quantity=99)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("use"), st.integers(0, 9), st.integers(0, 4), st.integers(1, 9000)),
        st.tuples(st.just("roll up"), st.just(0), st.just(0), st.just(0)),
        st.tuples(st.just("rebuild"), st.just(0), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def somebody():
    return personas.organisation("Somebody", "mining_group")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OPERATIONS)
def test_hours_equal_the_raw_sum_whatever_the_order_the_repeats_and_the_rebuilds(somebody, operations):
    """Events of different hours, late ones among them, come in any order, some of them twice."""
    base = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seen: dict[str, tuple[datetime, Decimal]] = {}
    run = uuid4().hex
    before = hours_of(somebody)
    for what, name, hours_ago, thousandths in operations:
        if what == "use":
            at, quantity = base - timedelta(hours=hours_ago, minutes=name), Decimal(thousandths) / 1000
            seen.setdefault(f"{run}:{name}", (at, quantity))
            spend(somebody, use(f"{run}:{name}", quantity, "solver_seconds", at))
        elif what == "roll up":
            roll_up()
        else:
            with as_platform("tests", "rebuild usage"):
                assert rolling.rebuild() == 0
    roll_up(somebody)
    expected = defaultdict(Decimal, before)
    for at, quantity in seen.values():
        expected["solver_seconds", at.replace(minute=0)] += quantity
    assert hours_of(somebody) == expected


def test_rebuild_finds_and_mends_a_wrong_hour(aurora, capsys):
    spend(aurora, use(quantity=5))
    roll_up(aurora)
    with as_platform("tests", "tamper"):
        UsageHour.objects.filter(tenant=aurora.id).update(quantity=50)
    call_command("rebuild_usage")
    assert "1 was not" in capsys.readouterr().out
    assert sum(hours_of(aurora).values()) == 5


# Statements -----------------------------------------------------------------------------------------------------------


def statement(owner, month=THIS_MONTH):
    with owner.acting():
        return queries.statement_of(owner.id, month)


def test_statement_charges_each_meter_by_the_plan_of_the_month(aurora):
    costly(aurora, price_minor=7, per=2)
    spend(aurora, use(quantity=3), use(quantity=4, meter_name="accepted_tasks"))
    found = statement(aurora)
    assert [(line["meter"], line["amount_minor"]) for line in found.lines] == [
        ("shared_reads", 11),  # 10.5
        ("accepted_tasks", 0),
    ]
    assert found.total_minor == 11


def test_regulator_pays_nothing_by_the_standard_plan(delta, aurora):
    many = use(quantity=50_000_000)
    spend(delta, many)
    spend(aurora, many)
    assert statement(delta).total_minor == 0
    assert statement(aurora).total_minor == 4900


def test_plan_in_another_currency_is_not_assigned(aurora):
    with pytest.raises(Invalid, match="currency"):
        refuse_other_currency(aurora.tenant, RatePlan(currency="CLP"))


def test_late_event_lands_in_its_hour_while_the_month_is_open(aurora):
    last = bounds_of(THIS_MONTH)[0] - timedelta(hours=2)
    spend(aurora, use(quantity=2, at=last))
    roll_up(aurora)
    assert {hour for _, hour in hours_of(aurora)} == {last}


def test_closed_statement_is_frozen_and_what_comes_late_is_counted_now(aurora):
    costly(aurora)
    last = bounds_of(THIS_MONTH)[0] - timedelta(hours=2)
    spend(aurora, use(quantity=2, at=last))
    roll_up(aurora)
    with as_platform("tests", "close statements"):
        while rolling.close_statements(NOW + timedelta(days=1)):
            pass
    spend(aurora, use(quantity=3, at=last))
    closed = statement(aurora, LAST_MONTH)
    assert closed.closed_at is not None
    assert (closed.total_minor, statement(aurora).total_minor) == (2, 3)
    with pytest.raises(DatabaseError, match="never changes"), as_platform("tests", "tamper"):
        Statement.objects.filter(pk=closed.pk).update(total_minor=0)


# Budget ---------------------------------------------------------------------------------------------------------------


def put_budget(owner, cap_minor=10, stops=True):
    with owner.acting():
        actions.set_budget(cap_minor=cap_minor, warn_frac=Decimal("0.5"), stops=stops)


def told(owner):
    with owner.acting():
        rows = FeedEvent.objects.filter(tenant=owner.id, kind__startswith="usage.").order_by("seq")
        return [(row.kind, row.body["used_minor"]) for row in rows]


def test_budget_warns_once_a_month_and_tells_once_that_it_is_used_up(aurora):
    costly(aurora)
    put_budget(aurora)
    for _ in range(6):
        spend(aurora, use(quantity=2))
        roll_up(aurora)
    assert told(aurora) == [("usage.budget_warning", 6), ("usage.budget_reached", 10)]


def test_new_paid_work_is_refused_at_the_cap_in_words(aurora):
    costly(aurora)
    put_budget(aurora)
    spend(aurora, use(quantity=9))
    with aurora.acting():
        actions.require_within_budget()
    spend(aurora, use(quantity=1))
    with aurora.acting(), pytest.raises(PaymentRequired, match="budget of 10 is used up: 10 so far"):
        actions.require_within_budget()


def test_budget_that_does_not_stop_only_tells(aurora):
    costly(aurora)
    put_budget(aurora, stops=False)
    spend(aurora, use(quantity=100))
    roll_up(aurora)
    with aurora.acting():
        actions.require_within_budget()
    assert [kind for kind, _ in told(aurora)] == ["usage.budget_warning", "usage.budget_reached"]


def test_planner_may_not_set_the_budget(aurora):
    with pytest.raises(Forbidden), aurora.acting("planner"):
        actions.set_budget(cap_minor=1, warn_frac=Decimal(1), stops=True)


def test_uses_of_the_whole_transaction_cost_one_statement(aurora):
    said = []

    def listen(execute, sql, params, many, context):
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen), aurora.acting():
        for _ in range(5):
            meter(use())
    assert len([sql for sql in said if "wall.meter" in sql]) == 1
    assert used_by(aurora) == {"shared_reads": Decimal(5)}


# Who pays for what ----------------------------------------------------------------------------------------------------


def events_of(owner, meter_name):
    with owner.acting():
        rows = UsageEvent.objects.filter(tenant=owner.id, meter=meter_name).order_by("pk")
        return [(row.subject_kind, row.quantity, row.counterpart_id, row.agreement_id) for row in rows]


def test_owner_pays_for_the_readings_of_a_batch_and_not_for_the_batch_sent_again(aurora):
    edge = gateway(aurora)
    batch = edge.batch(Lane.P2, *(reading(tag=f"t{n}") for n in range(7)))
    edge.record(batch)
    edge.record(batch)
    edge.say(Lane.P2, reading())
    assert [quantity for _, quantity, *_ in events_of(aurora, "readings_stored")] == [7, 1]


def test_each_recipient_pays_for_what_its_feed_is_told_in_one_event_a_transaction(aurora, borealis, cassia):
    opened_to(borealis, aurora)
    before = {owner.id: len(events_of(owner, "feed_deliveries")) for owner in (aurora, borealis)}
    gateway(aurora).say(Lane.P0, raised(alarm_type="one"), raised(alarm_type="two"))
    for owner in (aurora, borealis):
        found = events_of(owner, "feed_deliveries")[before[owner.id] :]
        assert [quantity for _, quantity, *_ in found] == [2]
    assert events_of(cassia, "feed_deliveries") == []


def test_reader_pays_for_the_rows_of_a_partner_under_their_agreement(aurora, borealis):
    agreement = opened_to(borealis, aurora)
    gateway(aurora).say(Lane.P0, raised(alarm_type="one"), raised(alarm_type="two"))
    answer = borealis.client().get("/api/v1/alarms?shared=true")
    n_rows = len(answer.json()["results"])
    assert n_rows == 2
    given = [read.n_rows for read in reads_of(aurora)]  # alarms, their machine and their site
    assert len(given) == 3 and events_of(borealis, "shared_reads") == [
        ("agreement", Decimal(sum(given)), aurora.id, agreement.pk)
    ]
    assert events_of(aurora, "shared_reads") == []


def test_who_accepts_a_service_task_pays_its_fee_once(aurora, borealis):
    task = market.published(aurora)
    market.claimed(task, borealis)
    market.submitted(task, borealis)
    assert events_of(aurora, "accepted_tasks") == []
    with aurora.acting():
        market.actions.accept_work(task=ServiceTask.objects.get(pk=task.pk))
    assert events_of(aurora, "accepted_tasks") == [("task", Decimal(1), borealis.id, None)]


def test_who_asked_for_a_plan_pays_for_the_time_it_took_a_worker(aurora):
    with aurora.acting():
        run = planning.request_plan(name="Plan", instance=documents.small(), options={})
    began_s = time.monotonic()
    solve_plan.apply(args=[str(run.pk)], headers={"actor": _packed(aurora.actor())}, throw=True)
    took_s = time.monotonic() - began_s
    ((kind, seconds, *_),) = events_of(aurora, "solver_seconds")
    assert kind == "plan"
    assert 0 < seconds <= took_s


def test_plan_is_refused_at_the_cap_and_nothing_is_owed(aurora):
    costly(aurora)
    put_budget(aurora, cap_minor=0)
    answer = aurora.client().post("/api/v1/plans", {"name": "P", "instance": documents.small()}, format="json")
    assert (answer.status_code, answer.json()["title"]) == (402, "Payment required")
    with aurora.acting():
        assert not PlanRun.objects.filter(tenant=aurora.id).exists()
