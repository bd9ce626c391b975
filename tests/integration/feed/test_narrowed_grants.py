"""Purposes, delegations, masks and delays on the feed, and that a withdrawn right is silent within a second."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from websockets.asyncio.client import connect

from tenants import actions as tenancy
from tenants.agreements import actions as agreeing
from tenants.context import acting_as
from tenants.feed.frames import decode_server
from tenants.models import Membership
from tenants.people import actions as people
from tenants.sharing import actions as sharing
from tests.integration.feed.client import Follower, emit, following
from tests.integration.feed.test_rights import closing_code, later, refusal
from tests.integration.tenants.sharing_scenes import actor_of, colleague, ending, now, opened

PURPOSE = "repair"


def delegate(partner, agreement, *roles) -> None:
    with partner.acting():
        sharing.delegate(agreement=agreement, roles=roles, members=[])


def suspend(owner, agreement) -> None:
    with owner.acting():
        agreeing.suspend_agreement(agreement=agreement)


def resume(owner, agreement) -> None:
    with owner.acting():
        agreeing.resume_agreement(agreement=agreement)


def headers(purpose: str) -> dict:
    return {"X-Purpose": purpose} if purpose else {}


def following_for(web, key, purpose=""):
    return following(web, key, headers=headers(purpose))


async def test_grant_for_a_purpose_is_followed_only_by_sockets_that_state_it(live_web, aurora, borealis):
    await later(opened, aurora, borealis, purpose=PURPOSE)
    key = await later(borealis.key)
    async with (
        following_for(live_web, key, PURPOSE) as stating,
        following_for(live_web, key) as silent,
        following_for(live_web, key, "research") as other,
    ):
        await later(emit, aurora, range(3))
        await stating.until(4)
        assert stating.numbers == [0, 1, 2]
        await asyncio.gather(silent.until(4), other.until(4))
        assert silent.numbers == other.numbers == []


async def test_ticket_carries_the_purpose_with_which_it_was_asked_for(live_web, aurora, borealis):
    await later(opened, aurora, borealis, purpose=PURPOSE)

    def issue() -> str:
        with acting_as(actor_of(borealis, purpose=PURPOSE)):
            return tenancy.issue_ticket(valid_until=datetime.now(UTC) + timedelta(seconds=30))

    protocols = ["cloudmining.v1", f"ticket.{await later(issue)}"]
    async with connect(f"{live_web.ws_url}/ws/v1/feed", subprotocols=protocols) as socket:
        follower = Follower(socket, decode_server(str(await socket.recv())))
        await follower.subscribe()
        await follower.until_live()
        await later(emit, aurora, range(2))
        await follower.until(3)
        assert follower.numbers == [0, 1]


async def test_unusable_purpose_is_closed_with_4400_and_says_so(live_web, borealis):
    said = {"Authorization": f"Api-Key {await later(borealis.key)}", "X-Purpose": "*"}
    code, reason = await refusal(live_web, additional_headers=said)
    assert code == 4400 and "X-Purpose" in reason


async def test_masked_fields_are_left_out_and_named_unless_another_grant_shows_them(live_web, aurora, borealis):
    await later(opened, aurora, borealis, field_mask=["value", "tag"])
    key = await later(borealis.key)
    async with following(live_web, key) as partner:
        await later(announce_alarm, aurora)
        await partner.until(2)
        await later(opened, aurora, borealis, field_mask=["value", "limit"], title="Second")
        await later(announce_alarm, aurora)
        await partner.until(4)
        first, _, second = partner.events[-3:]
    assert first.body == {"alarm": "a", "limit": 2.0, "masked": ["tag", "value"]}
    assert second.body == {"alarm": "a", "tag": "T", "limit": 2.0, "masked": ["value"]}


def announce_alarm(owner) -> None:
    from tenants.bus import announce
    from tenants.data import Event

    body = {"alarm": "a", "tag": "T", "value": 1.0, "limit": 2.0}
    with owner.acting():
        announce(Event("alarm.raised", body, "view_alarms", site_id=owner.sites["north"].pk))


async def test_purpose_decides_which_of_two_masks_holds_for_a_socket(live_web, aurora, borealis):
    await later(opened, aurora, borealis, field_mask=["value"])
    await later(opened, aurora, borealis, purpose=PURPOSE, title="Repair")
    key = await later(borealis.key)
    async with following_for(live_web, key, PURPOSE) as stating, following_for(live_web, key) as silent:
        await later(announce_alarm, aurora)
        await asyncio.gather(stating.until(3), silent.until(3))
    assert stating.events[-1].body["value"] == 1.0
    assert silent.events[-1].body["masked"] == ["value"] and "value" not in silent.events[-1].body


async def test_delayed_grant_puts_nothing_on_the_feed(live_web, aurora, borealis):
    await later(opened, aurora, borealis, delay_s=60)
    async with following(live_web, await later(borealis.key)) as partner:
        await later(emit, aurora, range(3))
        assert await partner.quiet_for(1.2) == [] and partner.position == 1


async def test_open_socket_is_silent_within_a_second_of_a_change_of_delegation(any_web, aurora, borealis):
    agreement = await later(opened, aurora, borealis)
    async with following(any_web, await later(borealis.key)) as partner:
        await later(emit, aurora, range(2))
        await partner.until(3)
        await later(delegate, borealis, agreement, "expert")
        await later(emit, aurora, range(2, 4))
        await partner.until(6, within_s=1.5)
        assert partner.numbers == [0, 1]
        await later(delegate, borealis, agreement, "owner")
        await later(emit, aurora, range(4, 5))
        await partner.until(8)
        assert partner.numbers == [0, 1, 4]


async def test_suspended_agreement_is_silent_and_resumed_it_goes_on(any_web, aurora, borealis):
    agreement = await later(opened, aurora, borealis)
    async with following(any_web, await later(borealis.key)) as partner:
        await later(suspend, aurora, agreement)
        await later(emit, aurora, range(3))
        await later(resume, aurora, agreement)
        await later(emit, aurora, range(3, 5))
        await partner.until(5, within_s=5)
        assert partner.numbers == [3, 4]


async def test_expired_agreement_is_silent_without_a_job(live_web, aurora, borealis):
    clause = {
        "site": aurora.sites["north"],
        "permissions": ["view_alarms"],
        "during": (now() - timedelta(minutes=1), None),
    }
    ends_at = now() + timedelta(seconds=4)
    await later(ending, aurora, borealis, ends_at, clause)
    async with following(live_web, await later(borealis.key)) as partner:
        await later(emit, aurora, range(1))
        await partner.until(2)
        await asyncio.sleep((ends_at - now()).total_seconds() + 0.05)
        await later(emit, aurora, range(1, 9))
        await partner.quiet_for(1.0)
        assert partner.numbers == [0]


async def test_member_who_is_removed_is_closed_within_a_second(any_web, borealis):
    leaver = await later(colleague, borealis, "expert")

    def issue() -> str:
        with acting_as(replace(actor_of(leaver, "expert"), via="test:browser")):
            return tenancy.issue_ticket(valid_until=datetime.now(UTC) + timedelta(seconds=30))

    def remove() -> None:
        with borealis.acting():
            people.remove_member(membership=Membership.objects.get(tenant=borealis.id, user=leaver.user))

    protocols = ["cloudmining.v1", f"ticket.{await later(issue)}"]
    async with connect(f"{any_web.ws_url}/ws/v1/feed", subprotocols=protocols) as socket:
        follower = Follower(socket, decode_server(str(await socket.recv())))
        await follower.subscribe()
        await follower.until_live()
        await later(remove)
        started = time.monotonic()
        assert await closing_code(follower, 1.5) == 4403
        assert time.monotonic() - started < 1.0
