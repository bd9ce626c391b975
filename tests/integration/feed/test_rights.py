"""Who connects, who sees what, and that a right withdrawn is gone within a second, with the doorbell and without."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tenants import actions
from tenants.agreements import actions as agreeing
from tenants.context import as_platform
from tenants.feed.filters import Filter
from tenants.feed.frames import Ev, Skip, decode_server
from tenants.models import ApiKey, FeedTicket, Membership, User
from tenants.secrets import hash_secret
from tests.integration.feed.client import Follower, emit, following, greeted
from tests.live import LiveWeb

later = asyncio.to_thread


def ticket_of(organisation, valid_s: float = 30.0, roles: tuple[str, ...] = ()) -> str:
    with organisation.acting(*roles):
        return actions.issue_ticket(valid_until=datetime.now(UTC) + timedelta(seconds=valid_s))


def open_north(owner, partner):
    with owner.acting():
        window = (datetime.now(UTC) - timedelta(seconds=1), None)
        clause = {"site": owner.sites["north"], "permissions": ["view_alarms"], "during": window}
        return agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=partner.id, title="Watch North", purpose="maintenance", clauses=[clause]
        )


def end(owner, agreement) -> None:
    with owner.acting():
        agreeing.end_agreement(agreement=agreement, reason="done")


def set_roles(organisation, *roles: str) -> None:
    with organisation.acting():
        Membership.objects.filter(user=organisation.user).update(roles=list(roles))


def revoke(organisation, secret: str) -> None:
    with organisation.acting():
        actions.revoke_api_key(key=ApiKey.objects.get(secret_hash=hash_secret(secret)))


async def refusal(web: LiveWeb, *protocols: str, **options) -> tuple[int, str]:
    """Code and reason with which a new socket is closed; (0, first frame) if it is greeted."""
    address = f"{web.ws_url}/ws/v1/feed"
    async with connect(address, subprotocols=list(protocols) or None, **options) as socket:
        try:
            return 0, str(await asyncio.wait_for(socket.recv(), 5))
        except ConnectionClosed as closed:
            assert closed.rcvd is not None
            return closed.rcvd.code, closed.rcvd.reason


async def closing_code(follower, within_s: float) -> int | None:
    try:
        async with asyncio.timeout(within_s):
            while True:
                await follower.next()
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


async def test_ticket_opens_one_socket_and_only_one(live_web, aurora):
    ticket = await later(ticket_of, aurora)
    async with connect(
        f"{live_web.ws_url}/ws/v1/feed", subprotocols=["cloudmining.v1", f"ticket.{ticket}"], origin=live_web.base_url
    ) as socket:
        assert socket.subprotocol == "cloudmining.v1"
        assert '"hello"' in str(await socket.recv())
    assert (await refusal(live_web, "cloudmining.v1", f"ticket.{ticket}"))[0] == 4401


async def test_of_twenty_sockets_that_present_one_ticket_at_once_one_gets_in(live_web, aurora):
    ticket = await later(ticket_of, aurora)
    codes = await asyncio.gather(*(refusal(live_web, "cloudmining.v1", f"ticket.{ticket}") for _ in range(20)))
    assert sorted(code for code, _ in codes) == [0] + [4401] * 19


async def test_wrong_expired_and_missing_tickets_are_closed_with_4401_and_a_reason(live_web, aurora):
    expired = await later(ticket_of, aurora, 0.001)
    for protocols in (["cloudmining.v1", f"ticket.{expired}"], ["cloudmining.v1", "ticket.cmt_no"], ["cloudmining.v1"]):
        code, reason = await refusal(live_web, *protocols)
        assert code == 4401 and "ticket" in reason
    assert (await refusal(live_web, additional_headers={"Authorization": "Api-Key cmk_no"}))[0] == 4401


async def test_foreign_origin_is_closed_with_4403_and_does_not_use_up_the_ticket(live_web, aurora):
    ticket = await later(ticket_of, aurora)
    for origin in (
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://[",
        f"{live_web.base_url}.evil.example",
    ):
        code, _ = await refusal(live_web, "cloudmining.v1", f"ticket.{ticket}", origin=origin)
        assert code == 4403, origin
    assert not await later(used, aurora)
    assert (await refusal(live_web, "cloudmining.v1", f"ticket.{ticket}", origin=live_web.base_url))[0] == 0


def used(organisation) -> bool:
    with organisation.acting():
        return FeedTicket.objects.filter(used_at__isnull=False).exists()


async def test_rebound_host_and_trusted_origin_are_told_apart(quick_web, aurora):
    protocols = "cloudmining.v1", f"ticket.{await later(ticket_of, aurora)}"
    rebound = {"additional_headers": {"Host": "evil.example"}, "origin": "http://evil.example"}
    assert (await refusal(quick_web, *protocols, **rebound))[0] == 4403
    assert (await refusal(quick_web, *protocols, origin="http://mine.aurora.example"))[0] == 4403
    assert (await refusal(quick_web, *protocols, origin="https://mine.aurora.example"))[0] == 0


async def test_outsider_sees_nothing_of_another_organisation(live_web, aurora, cassia):
    keys = await later(aurora.key), await later(cassia.key)
    async with following(live_web, keys[0]) as own, following(live_web, keys[1]) as outsider:
        await later(emit, aurora, range(20))
        await own.until(20)
        assert await outsider.quiet_for(1.5) == []
        assert outsider.hello.feed == cassia.id and outsider.hello.head == 0


async def test_role_without_the_capability_gets_skip_and_the_chain_holds(live_web, aurora):
    owner_key, finance_key = await later(aurora.key), await later(aurora.key, ["view_registry", "view_plans"])
    async with following(live_web, owner_key) as owner, following(live_web, finance_key) as finance:
        await later(emit, aurora, range(10))
        await later(emit, aurora, range(10, 11), permission="view_plans", kind="plan.solved")
        await asyncio.gather(owner.until(11), finance.until(11))
        assert owner.numbers == list(range(11)) and finance.numbers == [10]
        assert finance.frames[1:] and all(isinstance(frame, Ev | Skip) for frame in finance.frames[1:])
    async with following(live_web, finance_key) as again:
        assert again.frames[0] == Skip(0, 10) and again.numbers == [10]


async def test_filtered_events_become_skip(live_web, aurora):
    key = await later(aurora.key)
    async with following(live_web, key, filter=Filter(kinds=("plan.", "task.cl"))) as follower:
        for number, kind in enumerate(
            ("alarm.raised", "plan.solved", "task.claimed", "task.accepted", "alarm.cleared")
        ):
            await later(emit, aurora, range(number, number + 1), kind=kind)
        await follower.until(5)
        assert [event.kind for event in follower.events] == ["plan.solved", "task.claimed"]


async def test_revoked_partner_receives_nothing_committed_after_the_revoke(any_web, aurora, borealis):
    agreement = await later(open_north, aurora, borealis)
    key = await later(borealis.key)
    async with following(any_web, key) as partner:
        await later(emit, aurora, range(3))
        await partner.until(4)
        assert partner.numbers == [0, 1, 2]
        await later(end, aurora, agreement)
        await later(emit, aurora, range(3, 30))
        await partner.quiet_for(1.5)
        assert partner.numbers == [0, 1, 2]
        assert partner.events[-1].kind == "rights.agreement_ended"
    async with following(any_web, key) as again:
        assert again.numbers == [], "what was received under the grant is hidden from a later reading"
        assert Skip(1, 4) in again.frames


async def test_key_revoked_closes_its_socket_within_a_second(any_web, aurora):
    revoked, kept = await later(aurora.key), await later(aurora.key)
    async with (
        following(any_web, revoked) as closed,
        greeted(any_web, revoked) as idle,
        following(any_web, kept) as open_,
    ):
        await later(revoke, aurora, revoked)
        started = time.monotonic()
        await later(emit, aurora, range(5))
        codes = await asyncio.gather(closing_code(closed, 1.0), closing_code(idle, 1.0))
        assert codes == [4403, 4403] and time.monotonic() - started < 1.0
        assert closed.events == []
        await open_.until(6)
        assert open_.numbers == list(range(5))


async def test_revoked_key_does_not_live_on_in_a_ticket_that_it_asked_for(live_web, aurora):
    secret = await later(aurora.key)
    via = f"key:{secret[:10]}"
    with_key = aurora.actor(via=via)

    def issue() -> str:
        from tenants.context import acting_as

        with acting_as(with_key):
            return actions.issue_ticket(valid_until=datetime.now(UTC) + timedelta(seconds=30))

    ticket = await later(issue)
    await later(revoke, aurora, secret)
    assert (await refusal(live_web, "cloudmining.v1", f"ticket.{ticket}"))[0] == 4403


async def test_key_that_expires_closes_its_socket_by_itself(live_web, aurora):
    def make() -> str:
        with aurora.acting():
            expires_at = datetime.now(UTC) + timedelta(seconds=3)
            return actions.make_api_key(name="brief", scopes=["view_registry"], expires_at=expires_at)[1]

    async with following(live_web, await later(make)) as follower:
        assert await closing_code(follower, 6.0) == 4403


async def test_user_made_inactive_is_closed_within_a_second(live_web, aurora):
    def deactivate() -> None:
        with as_platform("tests", "deactivate a user"):
            User.objects.filter(pk=aurora.user.pk).update(is_active=False)

    key = await later(aurora.key)
    async with following(live_web, key) as follower:
        await later(deactivate)
        assert await closing_code(follower, 1.5) == 4403
    assert (await refusal(live_web, additional_headers={"Authorization": f"Api-Key {key}"}))[0] == 4401


async def test_role_taken_away_hides_what_follows_at_the_next_change_of_rights(live_web, aurora):
    secret = await later(aurora.key)
    ticket = await later(ticket_of, aurora)
    async with connect(f"{live_web.ws_url}/ws/v1/feed", subprotocols=["cloudmining.v1", f"ticket.{ticket}"]) as socket:
        follower = Follower(socket, decode_server(str(await socket.recv())))
        await follower.subscribe()
        await follower.until_live()
        await later(emit, aurora, range(1))
        await follower.until(1)
        await later(set_roles, aurora, "finance")
        await later(revoke, aurora, secret)
        await later(emit, aurora, range(1, 3))
        await follower.until(4)
        assert follower.numbers == [0]
