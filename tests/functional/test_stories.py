"""Each story is told for real: by clients of the API, through a web server, a worker and its sweeps."""

from collections.abc import Iterator

import pytest

from cloudmining.stories import director, dispatcher, regulator
from cloudmining.stories.backstage import Acts
from cloudmining.story import StoryError
from tests.events import fitting
from tests.live import LiveWeb
from tests.live_worker import LiveWorker
from tests.personas import organisation

QUICK = {"SWEEP_S": "1"}


@pytest.fixture(scope="module", autouse=True)
def _events_fit() -> Iterator[None]:
    """What the stories put on the feeds is as the description of the feed has it."""
    with fitting():
        yield


@pytest.fixture(scope="module")
def base_url():
    with LiveWeb(QUICK) as web, LiveWorker(QUICK, beat=True, queues="default,plans,studies"):
        yield web.base_url


def test_director_is_told_from_the_amber_mill_to_the_proof(base_url, aurora, borealis):
    said, ember = [], organisation("Ember", "equipment_maker")
    keys = {"aurora": aurora.key(), "borealis": borealis.key(), "ember": ember.key()}
    director.tell(base_url, keys, said.append)
    told = "\n".join(said)
    for words in (
        "The mill is amber: medium mill_bearing.hi",
        "Risk band, planned anew for 20 draws",
        "chance of missing demand instead of",
        "its swing gear breaks: high breakdown.hi",
        "cheapest repair: ",
        "Nobody typed it: 'Make the plan feasible",
        "1. Borealis, ",
        "experience 90 (three shovels of this make in two years)",
        "Ember is told: the best by the criteria that were published",
        "With the contract Borealis reads its live data (HTTP 200)",
        "Still Ember is told there is no such equipment (HTTP 404)",
        "The contract stands in both under one hash",
    ):
        assert words in told, told


def test_dispatcher_is_told_from_the_alarm_to_the_account(base_url, aurora, borealis):
    said = []
    dispatcher.tell(base_url, {"aurora": aurora.key(), "borealis": borealis.key()}, said.append)
    told = "\n".join(said)
    for words in (
        "the alarm drafted",
        "it fits 92 %: offers equipment maintenance",
        "1 of 1 with vibration-analyst",
        "Borealis quotes 2,400.00 USD",
        "With the contract Borealis reads its live data (HTTP 200)",
        "Jonas Weber is refused: ",
        "Mei Lin, whom another pump has called by now, is refused: ",
        "Later today Mei Lin is free: assigned, with vibration-analyst",
        "vibration below 4.5 mm/s for 0.01 h: kept",
        "After acceptance Borealis is told there is no such equipment",
        "Received, invoiced, matched, paid: 2,400.00 USD",
        "accepted tasks: 1",
    ):
        assert words in told, told


def test_regulator_is_told_twice_and_leaves_the_ledger_as_it_was(base_url, aurora, delta):
    said = []
    keys, acts = {"aurora": aurora.key(), "delta": delta.key()}, Acts(aurora.tenant.slug, delta.tenant.slug)
    for _ in range(2):
        regulator.tell(base_url, keys, acts, said.append)
    told = "\n".join(said)
    for words in (
        "possible now: nothing",
        "in force though it never alarmed",
        "Aurora switches their rule off: Delta is told, 'sensor is being moved'",
        "is allowed. Delta hears it: high twins_disagree.GAS-",
        "with the reason 'sensor is being moved'",
        "away for 14 min, silent",
        "the log keeps it for good",
        "a proof of the chain that it can't read",
        "So it is in the proof that Delta takes now: BROKEN edited.zip: entry ",
        "the chain is sound again",
        "without this system: SOUND mine.zip, agrees on ",
    ):
        assert told.count(words) == 2, told


def test_row_that_nobody_edited_stops_the_story(base_url, aurora, delta):
    class Lame(Acts):
        def edit_row(self, entry_id, payload):
            return payload

    keys = {"aurora": aurora.key(), "delta": delta.key()}
    with pytest.raises(StoryError, match="went unseen"):
        regulator.tell(base_url, keys, Lame(aurora.tenant.slug, delta.tenant.slug), lambda line: None)
