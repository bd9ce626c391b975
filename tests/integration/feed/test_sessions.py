"""What follows a feed from a browser's session ends with that session."""

import asyncio
import re
import time

import pytest
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.functional.console.scenes import sign_in
from tests.integration.tenants.test_people import colleague
from tests.personas import PASSWORD, Organisation

later = asyncio.to_thread


def end_from_another(owner: Organisation, client: Client) -> None:
    elsewhere = sign_in(owner)
    page = elsewhere.get("/account/sessions").content.decode()
    session = re.search(r'name="session" value="(\d+)"', page)[1]
    assert elsewhere.post("/account/sessions", {"session": session}).status_code == 302


def sign_out(owner: Organisation, client: Client) -> None:
    assert client.post("/logout").status_code == 302


def change_password_elsewhere(owner: Organisation, client: Client) -> None:
    new = "gangue-and-gold-2027"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert sign_in(owner).post("/account/password", form).status_code == 302


def remove_member(owner: Organisation, client: Client) -> None:
    boss = Organisation(owner.tenant, colleague(owner, "owner").user)
    members = sign_in(boss).get("/api/v1/members").json()["results"]
    mine = next(row["id"] for row in members if row["email"] == owner.user.email)
    assert sign_in(boss).post(f"/members/{mine}/remove").status_code == 302


@pytest.mark.parametrize("act", [end_from_another, sign_out, change_password_elsewhere, remove_member])
async def test_socket_closes_within_a_second_of_its_sessions_end(live_web, aurora, act):
    client = await later(sign_in, aurora)
    ticket = (await later(client.post, "/api/v1/feed/tickets")).json()["ticket"]
    protocols = ["cloudmining.v1", f"ticket.{ticket}"]
    async with connect(f"{live_web.ws_url}/ws/v1/feed", subprotocols=protocols, origin=live_web.base_url) as socket:
        await socket.recv()
        await later(act, aurora, client)
        ended = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(socket.recv(), 5)
        assert (closed.value.rcvd.code, time.monotonic() - ended < 1.0) == (4403, True)
