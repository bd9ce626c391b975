"""The market opens live data to nobody but who works on it: bidders, losers, firms whose contract or claim is over."""

import re
from dataclasses import dataclass

import pytest

from cloudmining.console import urls as console_urls
from edge_bridge.models import Alarm
from marketplace.actions import lapse_claims
from marketplace.bids.sweeping import close_overdue
from tests import personas
from tests.functional.console.scenes import sign_in
from tests.integration.edge.scenes import gateway, raised
from tests.integration.marketplace import bid_scenes as bidding
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace import scenes as market
from tests.personas import Organisation
from tests.sweep.belongings import rows_of
from tests.sweep.operations import Operation, operations
from tests.sweep.probes import UUID as ID

LIVE = ("edge_bridge.Alarm", "edge_bridge.Series")


@dataclass(frozen=True)
class Places:
    """Ids of live rows by machine, and what is asked for in the place of each argument, one machine after the other."""

    live: dict[str, set[str]]
    asked: dict[str, dict[str, str]]


def live_of(aurora: Organisation) -> Places:
    """Pump 7, which all tasks are about, and a fan, which none is."""
    found: dict[str, set[str]] = {}
    asked: dict[str, dict[str, str]] = {}
    for code in ("PUMP-07", "FAN-01"):
        alarm, known = market.alarm_of(aurora, code), set().union(*found.values())
        rows = rows_of(aurora.id)
        found[code] = {str(row.pk) for label in LIVE for row in rows[label]} - known
        (series,) = found[code] - {str(alarm.pk)}
        place = {"equipment_id": alarm.equipment_id, "site_id": alarm.site_id}
        asked[code] = {name: str(key) for name, key in {**place, "alarm_id": alarm.pk, "series_id": series}.items()}
    return Places(found, asked)


def bidders(aurora: Organisation) -> list[Organisation]:
    """The winner of a quotation, who waits for the standstill to be over, and the loser."""
    firms = [personas.organisation(name, "service_firm") for name in ("Winner", "Loser")]
    task = bidding.quotation(aurora, standstill_h=240)
    won, _ = (bidding.placed(firm, task).bid for firm in firms)
    bidding.evaluating(aurora, task)
    bidding.scored(aurora, won, 90)
    bidding.awarded(aurora, won)
    return firms


def bidders_of_a_tender(aurora: Organisation) -> list[Organisation]:
    """The same of a sealed tender that was opened."""
    firms = [personas.organisation(name, "service_firm") for name in ("Winner", "Loser")]
    task = bidding.tender(aurora, standstill_h=240)
    won, _ = (bidding.placed(firm, task).bid for firm in firms)
    bidding.deadline_over(task)
    close_overdue()
    bidding.opened(aurora, task)
    bidding.evaluating(aurora, task)
    bidding.scored(aurora, won, 90)
    bidding.awarded(aurora, won)
    return firms


def at_work(aurora: Organisation) -> list[Organisation]:
    contractor, claimant = (personas.organisation(name, "service_firm") for name in ("Contractor", "Claimant"))
    contracts.written(aurora, contractor)
    market.claimed(market.published(aurora), claimant)
    return [contractor, claimant]


def no_more(aurora: Organisation) -> list[Organisation]:
    """Whose contract is settled, whose is in dispute, and who let a claim lapse."""
    done, disputing, late = (personas.organisation(name, "service_firm") for name in ("Done", "Disputing", "Late"))
    contracts.closed(aurora, done)
    contract = contracts.written(aurora, disputing)
    contracts.disputed_by(disputing, contract)
    market.lease_over(market.claimed(market.published(aurora), late))
    lapse_claims()
    return [done, disputing, late]


def beside(aurora: Organisation) -> list[Organisation]:
    """Who mediates between Aurora and a firm, and who has nothing to do with any of it."""
    mediator, firm = personas.organisation("Mediator", "consultancy"), personas.organisation("Firm", "service_firm")
    contracts.mediated(mediator, aurora, firm)
    return [mediator, personas.cassia()]


def reads() -> list[Operation]:
    known = {"alarm_id", "series_id", "equipment_id", "site_id"}
    return [each for each in operations() if each.method == "get" and set(re.findall(r"{(\w+)}", each.path)) <= known]


def doors() -> list[str]:
    """Pages of the console that name no object, and those of a machine or an alarm."""
    known = {"alarm_id", "series_id", "equipment_id", "site_id"}
    routes = [str(each.pattern) for each in console_urls.urlpatterns]
    named = [(route, set(re.findall(r"<\w+:(\w+)>", route))) for route in routes]
    return ["/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route) for route, names in named if names <= known]


def alarm_told(aurora: Organisation) -> str:
    """A new one of pump 7, as its gateway tells it; its id."""
    gateway(aurora).say("p0", raised(code="PUMP-07", alarm_type="vibration.hi", tag="vibration"))
    with aurora.acting():
        return str(Alarm.objects.filter(equipment=aurora.equipment["PUMP-07"], alarm_type="vibration.hi").get().pk)


def shown_by_pages(party: Organisation, asked: dict[str, str]) -> set[str]:
    client, ids = sign_in(party), set[str]()
    for door in doors():
        path = door.format(**asked)
        answer = client.get(path, {"site": asked["site_id"], "equipment": asked["equipment_id"]})
        assert answer.status_code < 500, path
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        ids |= set(ID.findall(body.decode(errors="replace").replace(path, "")))
    return ids


def shown(party: Organisation, asked: dict[str, str]) -> tuple[set[str], list[str]]:
    """All ids in what a party is answered, and paths to a live object that answered at all."""
    client, ids, opened = party.client(), set[str](), list[str]()
    for operation in reads():
        names = set(re.findall(r"{(\w+)}", operation.path))
        for choice in ("", *operation.choices):
            answer = client.get(re.sub(r"{(\w+)}", lambda match: asked[match[1]], operation.path) + f"?{choice}")
            assert answer.status_code < 500, (operation, choice)
            if answer.status_code == 200 and names & {"alarm_id", "series_id"}:
                opened.append(operation.path)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            ids |= set(ID.findall(body.decode(errors="replace")))
    return ids, opened


@pytest.mark.parametrize("group", [bidders, bidders_of_a_tender, no_more, beside])
def test_nobody_who_is_not_at_work_sees_anything_live(aurora, group):
    places = live_of(aurora)
    parties = group(aurora)
    news = alarm_told(aurora)
    for party in parties:
        by_pages = shown_by_pages(party, places.asked["PUMP-07"])
        for code, live in places.live.items():
            ids, opened = shown(party, places.asked[code])
            ids |= by_pages
            assert (party.tenant.name, ids & (live | {news}), opened) == (party.tenant.name, set(), [])


def test_who_is_at_work_sees_the_machine_of_the_task_and_no_other(aurora):
    places = live_of(aurora)
    parties = at_work(aurora)
    news = alarm_told(aurora)
    for party in parties:
        ids, opened = shown(party, places.asked["PUMP-07"])
        assert places.live["PUMP-07"] | {news} <= ids and opened, party.tenant.name
        by_pages = shown_by_pages(party, places.asked["PUMP-07"])
        assert places.live["PUMP-07"] & by_pages, party.tenant.name
        ids, opened = shown(party, places.asked["FAN-01"])
        assert ((ids | by_pages) & places.live["FAN-01"], opened) == (set(), []), party.tenant.name
