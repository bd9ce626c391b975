"""The market opens live data to nobody but who works on it: bidders, losers, firms whose contract or claim is over."""

import re
from dataclasses import dataclass

import pytest

from marketplace.actions import lapse_claims
from marketplace.contracts import access, disputes
from tests import personas
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
    with disputing.acting():
        disputes.open_dispute(contract=access.get_contract(contract.pk), reason="the bearing is not the one agreed")
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


@pytest.mark.parametrize("group", [bidders, no_more, beside])
def test_nobody_who_is_not_at_work_sees_anything_live(aurora, group):
    places = live_of(aurora)
    for party in group(aurora):
        for code, live in places.live.items():
            ids, opened = shown(party, places.asked[code])
            assert (party.tenant.name, ids & live, opened) == (party.tenant.name, set(), [])


def test_who_is_at_work_sees_the_machine_of_the_task_and_no_other(aurora):
    places = live_of(aurora)
    for party in at_work(aurora):
        ids, opened = shown(party, places.asked["PUMP-07"])
        assert places.live["PUMP-07"] <= ids and opened, party.tenant.name
        ids, opened = shown(party, places.asked["FAN-01"])
        assert (ids & places.live["FAN-01"], opened) == (set(), []), party.tenant.name
