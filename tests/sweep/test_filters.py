"""Each predicate by organisation in the ORM is taken away in its turn: somebody has to notice every time."""

from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cloudmining.console.urls import urlpatterns
from edge_bridge.models import Alarm, Series
from tenants.organisation.actions import add_process
from tenants.roles import SITE_PERMISSIONS
from tests import personas
from tests.architecture.test_tables import keyed_tables
from tests.functional.console.scenes import sign_in
from tests.integration.marketplace import scenes as market
from tests.integration.tenants.read_scenes import share
from tests.personas import Organisation
from tests.sweep import probes
from tests.sweep.belongings import rows_of
from tests.sweep.filters import Site, undone, watched
from tests.sweep.identities import Identity
from tests.sweep.operations import Operation, operations
from tests.sweep.test_two_identities import OTHER_NAMES, sweep_of

Answer = tuple[int, set[str]]
# Beside a key, for the index alone, which begins with the organisation: that of active alarms, and that of roll-ups. Or
# for the platform's sweeps, which pass the wall and would read what others have of a shared entry of the ledger, too.
# Or for an order, in which everybody stays.
FASTER = {
    ("edge_bridge/alarms/cloud.py", "locked"),
    ("edge_bridge/alarms/suppression.py", "find_causes"),
    ("edge_bridge/alarms/suppression.py", "_concerned"),
    ("edge_bridge/commands/queries.py", "interlock"),
    ("edge_bridge/readings/trends.py", "_rollups"),
    ("edge_bridge/readings/daily.py", "worst"),
    ("edge_bridge/watching/gaps.py", "_log_of"),
    ("marketplace/bids/queries.py", "_entered"),
    ("marketplace/queries.py", "_is_of_the_trade"),
}
NAMING_NOTHING = "page_size=100"


@dataclass(frozen=True, eq=False)
class Question:
    """An operation with a query, or a page of the console; `is_theirs`: about the neighbour's objects."""

    asked: Operation | str
    query: str = NAMING_NOTHING
    is_theirs: bool = False


class Reader:
    """Aurora, who has an object of every kind and may see a neighbour's, asks all that can be asked."""

    def __init__(self, aurora: Organisation) -> None:
        self.sweep, _ = sweep_of(aurora, lambda owner: [])
        self.identity, self.member = Identity("owner", aurora.client(), aurora), sign_in(aurora)
        self.identity.client.raise_request_exception = self.member.raise_request_exception = False
        self.walled = set(keyed_tables())
        neighbour, self.theirs = neighbour_of(aurora)
        parties = (aurora, neighbour)
        self.there = {str(row.pk) for party in parties for rows in rows_of(party.id).values() for row in rows}
        self.unpredicated: dict[str, Question] = {}
        self.reached: dict[Site, list[Question]] = defaultdict(list)
        asked = questions(self.sweep.ids, self.theirs)
        self.answers = {question: self._asked(question) for question in asked}

    def notices(self, site: Site, question: Question) -> bool:
        """Without the predicate a query is one of everybody's rows, or the answer tells of more of them."""
        with watched(self.walled, without=site) as watch:
            status, told = self._answer(question)
        before, told_before = self.answers[question]
        return bool(watch.unpredicated) or status != before or not told <= told_before

    def _asked(self, question: Question) -> Answer:
        with watched(self.walled) as watch:
            answer = self._answer(question)
        for site in watch.sites:
            self.reached[site].append(question)
        self.unpredicated |= dict.fromkeys(watch.unpredicated, question)
        return answer

    def _answer(self, question: Question) -> Answer:
        asked = question.asked
        if isinstance(asked, str):
            answer = self.member.get(asked)
        else:
            ids = self.sweep.ids | (self.theirs if question.is_theirs else {})
            with nullcontext() if asked.method == "get" else undone():
                answer = self.sweep._ask(self.identity, asked, ids, question.query)
        text = "" if answer.streaming else answer.content.decode(errors="replace")
        return answer.status_code, self.there.intersection(probes.UUID.findall(text))


def questions(own: dict[str, str], theirs: dict[str, str]) -> list[Question]:
    """All operations of the API, and the pages of the console that name no object."""
    known = [operation for operation in operations() if operation.needs_identity]
    asked = [Question(each, query) for each in known for query in (*queries(each, own), *each.choices)]
    about_theirs = [each for each in known if {parameter.name for parameter in each.ids} & theirs.keys()]
    asked += [Question(each, query, is_theirs=True) for each in about_theirs for query in queries(each, theirs)]
    pages = [page.pattern for page in urlpatterns if page.name.startswith("console")]
    return [*asked, *(Question(f"/{pattern}") for pattern in map(str, pages) if "<" not in pattern)]


def queries(operation: Operation, ids: dict[str, str]) -> list[str]:
    """One that names no object, and one for each object that it may name."""
    names = [parameter.name for parameter in operation.ids if parameter.where == "query"]
    return [NAMING_NOTHING, *(f"{name}={ids[name]}" for name in names if name in ids)]


def neighbour_of(aurora: Organisation) -> tuple[Organisation, dict[str, str]]:
    """Has opened its mine to Aurora, offers a task on the market, and works on one of hers; with what each may see of
    the other."""
    neighbour = personas.aurora()
    alarm = market.alarm_of(neighbour)
    with neighbour.acting():
        Alarm.objects.update(raised_at=datetime.now(UTC) - timedelta(days=3))
        process = add_process(site=neighbour.sites["north"], code="vent", name="Air", kind="ventilation")
        series = Series.objects.get()
    share(neighbour, aurora, *SITE_PERMISSIONS)
    market.published(neighbour)
    task = market.published(aurora)
    market.claimed(task, neighbour)
    with neighbour.acting():
        assert len(Alarm.objects.all()) == 2  # both have read of the other, and it is recorded
    seen = {"site": alarm.site_id, "equipment": alarm.equipment_id, "alarm": alarm.pk, "series": series.pk}
    return neighbour, named(seen | {"process": process.pk, "task": task.pk, "tenant": neighbour.id})


def named(seen: dict[str, UUID]) -> dict[str, str]:
    """By the names that arguments and bodies have for them."""
    others = {other: seen[name] for other, name in OTHER_NAMES.items() if name in seen}
    return {name: str(key) for name, key in (seen | others | {f"{name}_id": key for name, key in seen.items()}).items()}


def test_every_predicate_by_organisation_is_noticed(aurora, capsys):
    reader = Reader(aurora)
    assert {query: str(question.asked) for query, question in reader.unpredicated.items()} == {}
    assert [str(question.asked) for question, (status, _) in reader.answers.items() if status >= 500] == []
    sites = {site: asked for site, asked in sorted(reader.reached.items()) if site[:2] not in FASTER}
    unnoticed = [site for site, asked in sites.items() if not any(reader.notices(site, question) for question in asked)]
    with capsys.disabled():
        print(f"\nmutants: {len(sites) - len(unnoticed)} of {len(sites)} predicates by organisation killed")
    assert unnoticed == [], unnoticed
    assert len(sites) > 50
