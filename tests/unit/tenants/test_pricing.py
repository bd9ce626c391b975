"""What a month costs: to the minor unit, by one rounding rule."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tenants.metering.pricing import Step, line_of, rounded

QUANTITIES = st.decimals(min_value=0, max_value=10**9, places=3)
STEPS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 1000), st.integers(1, 1000)), max_size=4, unique_by=lambda x: x[0]
).map(lambda rows: [Step(*row) for row in sorted(rows)])


def test_line_charges_only_what_lies_above_what_is_free():
    line = line_of("solver_seconds", Decimal("3605.000"), [Step(3600, 1, 10)])
    assert (line.free, line.amount_minor) == (Decimal(3600), 1)
    assert [part.quantity for part in line.parts] == [Decimal(5)]


def test_each_step_is_charged_at_its_own_price():
    line = line_of("readings_stored", Decimal(350), [Step(100, 10, 100), Step(200, 4, 100)])
    assert [part.quantity for part in line.parts] == [Decimal(100), Decimal(150)]
    assert line.amount_minor == 10 + 6


def test_half_a_minor_unit_is_rounded_up_and_less_is_not():
    assert [rounded(Fraction(n, 4)) for n in (0, 1, 2, 3, 4, 6)] == [0, 0, 1, 1, 1, 2]


def test_meter_without_a_rate_costs_nothing():
    line = line_of("shared_reads", Decimal(7), [])
    assert (line.free, line.parts, line.amount_minor) == (Decimal(7), (), 0)


@given(QUANTITIES, STEPS)
def test_parts_make_up_the_quantity_and_their_prices_the_amount(quantity, steps):
    line = line_of("shared_reads", quantity, steps)
    lowest = Decimal(steps[0].above) if steps else quantity
    assert sum(part.quantity for part in line.parts) == max(Decimal(), quantity - lowest)
    assert 0 <= line.free <= quantity
    exact = sum(Fraction(part.quantity) * part.price_minor / part.per for part in line.parts)
    assert abs(exact - line.amount_minor) <= Fraction(1, 2)


@given(QUANTITIES, QUANTITIES, STEPS)
def test_more_use_never_costs_less(one, other, steps):
    less, more = sorted((one, other))
    assert line_of("shared_reads", less, steps).amount_minor <= line_of("shared_reads", more, steps).amount_minor
