"""Members and keys, as an administrator meets them."""

import re
from uuid import uuid4

from django.core import mail
from django.test import Client

from tenants.models import Invitation, Membership
from tests.functional.console.scenes import sign_in
from tests.integration.tenants.test_people import colleague
from tests.personas import PASSWORD, Organisation


def members_page(client: Client) -> str:
    return client.get("/members").content.decode()


def test_person_is_invited_and_joins_and_the_invitation_is_gone(aurora):
    client, email, mail.outbox = sign_in(aurora), f"{uuid4().hex}@example.com", []
    assert client.post("/members", {"email": email, "roles": ["planner", "viewer"]}).status_code == 302
    page = members_page(client)
    assert email in page and "cmi_" not in page
    link = re.search(r"http://testserver(/invitations/\S+)", mail.outbox[0].body)[1]
    assert Client().post(link, {"name": "Pia Planner", "password": PASSWORD}).status_code == 302
    page = members_page(client)
    assert "Pia Planner" in page and "Nobody is being invited" in page


def test_invitation_is_withdrawn(aurora):
    client, email = sign_in(aurora), f"{uuid4().hex}@example.com"
    client.post("/members", {"email": email, "roles": ["viewer"]})
    with aurora.acting():
        row = Invitation.objects.get(email=email)
    assert client.post(f"/members/{row.pk}/withdraw").status_code == 302
    assert email not in members_page(client)


def test_bad_invitation_is_explained_in_the_form(aurora):
    answer = sign_in(aurora).post("/members", {"email": "no address", "roles": ["emperor"]})
    page = answer.content.decode()
    assert (answer.status_code, page.count('class="error"')) == (422, 2)


def test_roles_are_changed_and_a_member_removed(aurora):
    member, client = colleague(aurora, "viewer"), sign_in(aurora)
    assert client.post(f"/members/{member.pk}/roles", {"roles": ["expert"]}).status_code == 302
    with aurora.acting():
        assert Membership.objects.get(pk=member.pk).roles == ["expert"]
    assert client.post(f"/members/{member.pk}/remove").status_code == 302
    with aurora.acting():
        assert not Membership.objects.filter(pk=member.pk).exists()
    assert client.post(f"/members/{member.pk}/remove").status_code == 404
    assert client.post(f"/members/{member.pk}/promote").status_code == 404


def test_last_owner_is_told_why_they_stay(aurora):
    with aurora.acting():
        mine = Membership.objects.get(user=aurora.user)
    answer = sign_in(aurora).post(f"/members/{mine.pk}/remove")
    assert (answer.status_code, b"make somebody else an owner first" in answer.content) == (409, True)


def test_viewer_sees_members_and_changes_none(aurora):
    member = colleague(aurora, "viewer")
    client = sign_in(Organisation(aurora.tenant, member.user))
    page = members_page(client)
    assert "Aurora owner" in page and "Invite a person" not in page
    assert client.post("/members", {"email": "a@example.com", "roles": ["viewer"]}).status_code == 403
    assert client.get("/keys").status_code == 403


def test_outsiders_rows_are_not_to_be_changed(aurora, cassia):
    member = colleague(aurora, "viewer")
    client = sign_in(cassia)
    for step in ("roles", "remove", "withdraw"):
        assert client.post(f"/members/{member.pk}/{step}", {"roles": ["viewer"]}).status_code == 404


def test_program_gets_a_key_that_is_shown_once_and_is_replaced(aurora):
    client = sign_in(aurora)
    body = {"program": "1", "name": "Dispatch bot", "purpose": "reads alarms", "roles": ["viewer"]}
    assert client.post("/members", body).status_code == 302
    page = client.get("/keys").content.decode()
    account = re.search(r'<option value="([0-9a-f-]{36})">Dispatch bot', page)[1]
    asked = {"name": "line 1", "acts_as": account, "days": "30", "scopes": ["view_registry"]}
    made = client.post("/keys", asked).content.decode()
    secret = re.search(r"cmk_[\w-]{20,}", made)[0]
    assert secret not in client.get("/keys").content.decode()
    key = re.search(r"/keys/([0-9a-f-]{36})/rotate", client.get("/keys").content.decode())[1]
    fresh = client.post(f"/keys/{key}/rotate").content.decode()
    assert re.search(r"cmk_[\w-]{20,}", fresh)[0] != secret
    assert client.post(f"/keys/{key}/revoke").status_code == 302
    assert client.post(f"/programs/{account}/retire").status_code == 302
    assert "retired" in client.get("/keys").content.decode()


def test_key_beyond_the_program_is_refused_in_the_form(aurora):
    client = sign_in(aurora)
    client.post("/members", {"program": "1", "name": "Bot", "roles": ["viewer"]})
    account = re.search(r'<option value="([0-9a-f-]{36})">Bot', client.get("/keys").content.decode())[1]
    asked = {"name": "line 1", "acts_as": account, "days": "30", "scopes": ["manage_members"]}
    answer = client.post("/keys", asked)
    assert (answer.status_code, b"manage_members" in answer.content) == (422, True)
    assert b"cmk_" not in answer.content
