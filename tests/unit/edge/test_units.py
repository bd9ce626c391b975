"""UCUM codes: what they mean, what converts to what, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.readings.tags import definitions
from edge_bridge.readings.units import OtherQuantity, UnknownUnit, conversion, suggested_unit, unit_of
from terminal_sim.scenario import KINDS


@pytest.mark.parametrize(
    ("value", "old", "new", "converted"),
    [
        (1.0, "%", "[ppm]", 10_000.0),
        (212.0, "[degF]", "Cel", 100.0),
        (36.0, "km/h", "m/s", 10.0),
        (3000.0, "/min", "Hz", 50.0),
        (1.0, "kW.h", "J", 3.6e6),
        (3.6, "m3/h", "L/s", 1.0),
        (2650.0, "kg/m3", "t/m3", 2.65),
        (1.0, "[ston_av]", "kg", 907.18474),
        (760.0, "mm[Hg]", "kPa", 101.32472),
        (5.0, "{people}", "1", 5.0),
        (7.0, "/min{rev}", "/min", 7.0),
        (2.0, "10*3", "1", 2000.0),
        (1.0, "dag", "g", 10.0),
        (1.0, "N", "kg.m/(s.s)", 1.0),
    ],
)
def test_value_converts_as_ucum_says(value, old, new, converted):
    assert conversion(old, new)(value) == pytest.approx(converted)


@pytest.mark.parametrize(
    "code",
    ["", "°C", "ppm", "rpm", "m//s", "m.(s", "m)s", "m s", "m99", "kmin", "x" * 65, "0", "Ym9.Ym9", "1/(ym9.ym9)"],
)
def test_what_is_no_ucum_code_is_refused_in_words(code):
    with pytest.raises(UnknownUnit) as refusal:
        unit_of(code)
    assert len(str(refusal.value)) > 20


@pytest.mark.parametrize(("meant", "code"), [("°C", "Cel"), ("ppm", "[ppm]"), ("RPM", "/min"), ("tph", "t/h")])
def test_common_spelling_leads_to_its_code(meant, code):
    assert suggested_unit(meant) == code
    assert unit_of(code)


def test_different_quantities_do_not_convert():
    with pytest.raises(OtherQuantity):
        conversion("%", "Cel")


@given(st.text(max_size=20) | st.text("mskg%[]()./0123456789{}*^'-+", max_size=20))
def test_any_text_is_a_unit_or_refused(code):
    try:
        assert unit_of(code).size > 0
    except UnknownUnit:
        return


@given(st.floats(-1e6, 1e6), st.sampled_from([("Cel", "[degF]"), ("bar", "[psi]"), ("t/h", "kg/s"), ("%", "[ppm]")]))
def test_there_and_back_is_the_value(value, pair):
    there, back = conversion(*pair), conversion(*reversed(pair))
    assert back(there(value)) == pytest.approx(value, abs=1e-6)


def test_units_of_the_dictionary_and_of_the_simulated_terminals_are_known():
    for code in {each.unit for each in definitions()} | {
        unit for kind in KINDS.values() for unit in kind.units.values()
    }:
        assert unit_of(code)
