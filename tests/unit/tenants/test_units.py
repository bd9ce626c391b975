"""Figures of a site in its own units."""

from decimal import Decimal

import pytest

from tenants.models import Site
from tenants.resources.data import UNITS
from tenants.units import IMPERIAL, METRIC, STATED, WORDS, shown, stated_in_words


@pytest.mark.parametrize(
    ("quantity", "code", "figure", "words"),
    [
        ("907.18474", "kg", "2000", "pounds"),
        ("0.90718474", "t", "1", "short tons"),
        ("0.3048", "m", "1", "feet"),
        ("1.609344", "km", "1", "miles"),
        ("3.785411784", "L", "1", "US gallons"),
        ("0.764554857984", "m3", "1", "cubic yards"),
        ("0.09290304", "m2", "1", "square feet"),
        ("28.349523125", "g", "1", "ounces"),
    ],
)
def test_imperial_figure_is_that_of_the_definition(quantity, code, figure, words):
    assert shown(Decimal(quantity), code, IMPERIAL) == (Decimal(figure).quantize(Decimal("0.001")), words)


def test_what_is_counted_and_what_is_metric_is_shown_as_stored():
    assert shown(Decimal(3), "{piece}", IMPERIAL) is None
    assert all(shown(Decimal(3), code, METRIC) is None for code in UNITS)
    assert {code for code in UNITS if not code.startswith("{")} == {c for c in UNITS if shown(Decimal(1), c, IMPERIAL)}


def test_every_system_of_sites_states_its_units():
    assert set(Site.Units.values) == STATED.keys()
    assert {code for units in STATED.values() for code in units.values()} == WORDS.keys()
    assert stated_in_words(IMPERIAL) == "short tons, feet, cubic yards"
