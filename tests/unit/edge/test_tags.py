"""The tag dictionary: which quantity is meant, and what is said of what it doesn't know."""

import pytest

from edge_bridge.readings.tags import definitions, judged, meaning, suggested_tags
from terminal_sim.scenario import KINDS


def test_each_quantity_of_a_tag_is_told_by_its_unit():
    assert meaning("speed", "m/s").quantity == "velocity"
    assert meaning("speed", "/min").quantity == "frequency of rotation"
    assert meaning("speed") is None and meaning("ch4").unit == "%"


def test_every_tag_of_the_simulated_terminals_is_known():
    tags = {(tag, unit) for kind in KINDS.values() for tag, unit in kind.units.items()}
    assert {tag for tag, unit in tags if judged(tag, unit).problems} == set()


def test_definitions_are_whole():
    for each in definitions():
        assert each.lowest < each.highest and each.period_s > 0 and each.quantity
    aliases = [alias for each in definitions() for alias in each.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & {each.tag for each in definitions()}


@pytest.mark.parametrize(
    ("tag", "unit", "words"),
    [
        ("methane", "%", "perhaps 'ch4'"),
        ("temprature", "Cel", "perhaps 'temperature'"),
        ("ch4", "Cel", "measured in %"),
        ("ch4", "ppm", "perhaps '[ppm]'"),
        ("ch4", "furlong", "ucum.org"),
        ("ch4", "", "No unit"),
        ("zzz_unheard_of", "%", "does not know"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(tag, unit, words):
    assert words in " ".join(judged(tag, unit).problems)


def test_known_tag_in_a_convertible_unit_is_right():
    assert judged("ch4", "[ppm]").problems == ()


def test_aliases_lead_to_one_tag_and_likeness_to_a_few():
    assert suggested_tags("Ground-Speed") == ("speed",)
    assert 0 < len(suggested_tags("temperatur")) <= 3
