"""The stock ledger on a real database."""

from decimal import Decimal
from functools import partial
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.actions import register_site
from tenants.context import as_platform
from tenants.data import Conflict, Invalid, Refusal
from tenants.models import StockLevel, StockMove
from tenants.resources import queries, stock
from tests.integration.tenants.resource_scenes import crew
from tests.together import at_once

SITES = ("north", "north-mill")
quantities = st.decimals("0.001", "40", places=3)
moves = st.lists(
    st.tuples(st.sampled_from(["receive", "issue", "adjust", "transfer"]), st.sampled_from(SITES), quantities),
    max_size=8,
)


def level(owner, material, site="north"):
    with owner.acting():
        found = queries.stock_levels().filter(material=material, site=owner.sites[site]).first()
        return found.quantity if found else None


def moved(owner, material, kind, site, quantity):
    """The change to both sites' levels that the move made; none if it was refused."""
    here, there = owner.sites[site], owner.sites[SITES[1 - SITES.index(site)]]
    with owner.acting():
        if kind == "transfer":
            stock.transfer(from_site=here, to_site=there, material=material, quantity=quantity)
            return {here.pk: -quantity, there.pk: quantity}
        if kind == "adjust":
            quantity = -quantity
            stock.adjust(site=here, material=material, quantity=quantity, reason="count")
        else:
            getattr(stock, kind)(site=here, material=material, quantity=quantity)
        return {here.pk: quantity if kind != "issue" else -quantity}


@given(steps=moves)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_levels_are_the_sum_of_the_moves_and_never_negative_whatever_was_tried(aurora, steps):
    with aurora.acting():
        material = stock.register_material(code=uuid4().hex, name="Bolts", unit="{piece}")
    expected = {aurora.sites[site].pk: Decimal(0) for site in SITES}
    for kind, site, quantity in steps:
        try:
            changes = moved(aurora, material, kind, site, quantity)
        except Conflict:
            assert kind != "receive" and expected[aurora.sites[site].pk] < quantity
            continue
        expected = {place: there + changes.get(place, 0) for place, there in expected.items()}
    assert min(expected.values()) >= 0
    with aurora.acting():
        assert queries.stock_faults() == []
        kept = dict(StockLevel.objects.filter(material=material).values_list("site", "quantity"))
        assert {place: kept.get(place, 0) for place in expected} == expected
        replayed = {}
        for move in StockMove.objects.filter(material=material).order_by("pk"):
            replayed[move.site_id] = replayed.get(move.site_id, 0) + move.quantity
            assert replayed[move.site_id] == move.balance >= 0


def test_of_issues_at_the_same_moment_only_what_is_there_is_given_out(aurora):
    anfo = crew(aurora).anfo

    def take() -> bool:
        try:
            with aurora.acting():
                stock.issue(site=aurora.sites["north"], material=anfo, quantity=Decimal(30))
            return True
        except Conflict:
            return False

    assert sum(at_once(*[take] * 8)) == 3 and level(aurora, anfo) == 10


def test_transfers_against_one_another_end_and_keep_the_sum(aurora):
    anfo = crew(aurora).anfo
    with aurora.acting():
        stock.receive(site=aurora.sites["north-mill"], material=anfo, quantity=Decimal(100))

    at_once(*[partial(moved, aurora, anfo, "transfer", SITES[k % 2], Decimal(7)) for k in range(18)])
    assert level(aurora, anfo) == level(aurora, anfo, "north-mill") == 100


def test_transfer_is_a_pair_of_moves_with_one_id(aurora):
    anfo = crew(aurora).anfo
    with aurora.acting():
        mill = aurora.sites["north-mill"]
        out, into = stock.transfer(from_site=aurora.sites["north"], to_site=mill, material=anfo, quantity=Decimal(40))
    assert out.transfer == into.transfer and (out.quantity, into.quantity) == (-40, 40)
    assert (out.balance, into.balance) == (60, 40)


def test_refusal_says_what_is_there(aurora):
    anfo = crew(aurora).anfo
    with aurora.acting(), pytest.raises(Conflict, match=r"There are 100 kg of ANFO Explosive at Aurora North, not 101"):
        stock.issue(site=aurora.sites["north"], material=anfo, quantity=Decimal(101))


@pytest.mark.parametrize("quantity", ["0", "-1", "0.0001", "1e12", "NaN", "Infinity"])
def test_quantity_that_can_not_be_kept_is_refused(aurora, quantity):
    anfo = crew(aurora).anfo
    with aurora.acting(), pytest.raises(Refusal):
        stock.receive(site=aurora.sites["north"], material=anfo, quantity=Decimal(quantity))


def test_adjustment_needs_a_reason_and_a_material_a_known_unit(aurora):
    anfo = crew(aurora).anfo
    with aurora.acting(), pytest.raises(Invalid, match="needs a reason"):
        stock.adjust(site=aurora.sites["north"], material=anfo, quantity=Decimal(1), reason=" ")
    with aurora.acting(), pytest.raises(Invalid, match="unit is not known"):
        stock.register_material(code="X", name="x", unit="ton")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE tenants_stocklevel SET quantity = 1000", "by moves only"),
        ("INSERT INTO tenants_stocklevel SELECT uuidv7(), {n}, site_id, tenant_id, material_id "
         "FROM tenants_stocklevel", "by moves only"),
        ("INSERT INTO tenants_stockmove (id, tenant_id, site_id, material_id, kind, quantity, reason, reference) "
         "SELECT uuidv7(), tenant_id, site_id, material_id, 'issue', -101, '', '' FROM tenants_stocklevel",
         "stock_level_not_negative"),
        ("INSERT INTO tenants_stockmove (id, tenant_id, site_id, material_id, kind, quantity, reason, reference, "
         "transfer) SELECT uuidv7(), tenant_id, site_id, material_id, 'transfer_in', 5, '', '', uuidv7() "
         "FROM tenants_stocklevel", "brings to one site what it takes"),
    ],
)  # fmt: skip
def test_database_itself_keeps_the_ledger(aurora, statement, words):
    crew(aurora)
    with pytest.raises(Exception, match=words), aurora.acting():
        connection.cursor().execute(statement.format(n=5))


def test_moves_are_neither_changed_nor_deleted_by_the_application_and_not_changed_by_operators(aurora):
    crew(aurora)
    with aurora.acting():
        assert StockMove.objects.update(quantity=1000) == StockMove.objects.all().delete()[0] == 0
        assert StockMove.objects.get().quantity == 100
    with pytest.raises(IntegrityError, match="A move of stock never changes"), as_platform("tests", "try"):
        StockMove.objects.filter(tenant=aurora.id).update(quantity=1000)


def test_level_written_past_the_ledger_is_found(aurora):
    """By the database's owner, who alone can switch the trigger off."""
    import os

    import psycopg

    crew(aurora)
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute("SELECT set_config('app.tenant', %s, true)", [str(aurora.id)])
        owner.execute("ALTER TABLE tenants_stocklevel DISABLE TRIGGER stock_level_follows_moves")
        owner.execute("UPDATE tenants_stocklevel SET quantity = 99")
        owner.execute("ALTER TABLE tenants_stocklevel ENABLE TRIGGER stock_level_follows_moves")
    with aurora.acting():
        (fault,) = queries.stock_faults()
    assert (fault["level"], fault["moves"]) == (99, 100)


def test_outsider_moves_nothing(aurora, cassia):
    anfo = crew(aurora).anfo
    with pytest.raises(IntegrityError, match="_wall"), cassia.acting():
        pit = register_site(code="pit", name="Pit", kind="mine")
        stock.receive(site=pit, material=anfo, quantity=Decimal(1))
