"""Invitations, roles, service accounts and keys: over HTTP and against the real walls."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import DatabaseError, connection
from django.test import Client
from rest_framework.test import APIClient

from tenants.actions import admit_member, make_api_key
from tenants.context import acting_as, as_platform, presenting
from tenants.data import Conflict, Invalid, NotFound, Refusal
from tenants.models import ApiKey, Invitation, Membership, User
from tenants.people import actions as people
from tenants.roles import ROLES, capabilities_of
from tenants.secrets import hash_secret
from tests.personas import PASSWORD, Organisation


def address() -> str:
    return f"{uuid4().hex}@example.com"


def invited(organisation: Organisation, email: str, roles: list[str] | None = None) -> str:
    """The link's path, out of the mail that was sent."""
    mail.outbox = []
    answer = organisation.client().post("/api/v1/invitations", {"email": email, "roles": roles or ["viewer"]})
    assert answer.status_code == 201, answer.json()
    assert "cmi_" not in answer.content.decode()
    [message] = mail.outbox
    assert message.to == [email]
    return re.search(r"http://testserver(/invitations/\S+)", message.body)[1]


def colleague(organisation: Organisation, *roles: str) -> Membership:
    with as_platform("tests", "admit a colleague"):
        user = User.objects.create_user(address(), PASSWORD, name="Colleague")
        return admit_member(tenant=organisation.tenant, user=user, roles=list(roles))


def in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


# Invitations ---------------------------------------------------------------------------------------------------------


def test_new_person_joins_by_the_link_of_their_mail_and_is_signed_in(aurora):
    email, client = address(), Client()
    link = invited(aurora, email, ["planner"])
    assert "Aurora" in client.get(link).content.decode()
    answer = client.post(link, {"name": "Pia", "password": PASSWORD})
    assert answer.headers["Location"] == "/", answer.content
    me = client.get("/api/v1/identity").json()
    assert (me["user"], me["roles"], me["tenant"]["id"]) == (email, ["planner"], str(aurora.id))
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize("password", ["", "12345678", "short"])
def test_joining_takes_a_decent_password(aurora, password):
    link = invited(aurora, address())
    answer = Client().post(link, {"name": "Pia", "password": password})
    assert (answer.status_code, b'class="error"' in answer.content) == (200, True)
    assert Client().get(link).status_code == 200


def test_person_with_an_account_signs_in_to_join_one_more_organisation(aurora, borealis):
    link, client = invited(aurora, borealis.user.email), Client()
    assert b"You have an account already" in client.get(link).content
    assert client.post(link, {"name": "Not me", "password": PASSWORD}).status_code == 409
    assert client.post(f"/login?next={link}", {"login": borealis.user.email, "password": PASSWORD, "next": link})
    assert client.post(link).headers["Location"] == "/"
    assert client.get("/api/v1/identity").json()["tenant"]["id"] == str(aurora.id)


def test_invitation_of_another_address_is_refused(aurora, cassia):
    link, client = invited(aurora, address()), Client()
    client.login(username=cassia.user.email, password=PASSWORD)
    assert b"You are signed in as" in client.get(link).content
    assert client.post(link).status_code == 403
    with cassia.acting():
        assert Membership.objects.filter(user=cassia.user).count() == 1


def test_withdrawn_and_expired_invitations_open_nothing(aurora):
    withdrawn, expired = invited(aurora, address()), invited(aurora, email := address())
    with aurora.acting():
        Invitation.objects.filter(email=email).update(expires_at=datetime.now(UTC))
    client = aurora.client()
    rows = client.get("/api/v1/invitations").json()["results"]
    other = next(row["id"] for row in rows if row["email"] != email)
    assert client.post(f"/api/v1/invitations/{other}/revoke").json()["revoked_at"]
    assert client.post(f"/api/v1/invitations/{other}/revoke").status_code == 409
    for link in (withdrawn, expired, "/invitations/cmi_nonsense"):
        assert Client().post(link, {"name": "Pia", "password": PASSWORD}).status_code == 404


def test_second_invitation_takes_the_place_of_the_first(aurora):
    first, second = invited(aurora, email := address()), invited(aurora, email, ["planner"])
    assert (Client().get(first).status_code, Client().get(second).status_code) == (404, 200)


# The invitation is used, or the account is there already, whichever the later one reads first.
LATE = {"Not found", "Conflict"}


def test_of_two_who_accept_at_once_one_joins(aurora):
    token = invited(aurora, email := address()).rpartition("/")[2]

    def accept(name: str) -> str:
        try:
            with presenting(credential=hash_secret(token)):
                people.accept_invitation(token=token, name=name, password=PASSWORD)
            return "joined"
        except Refusal as refusal:
            return refusal.title
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(accept, "abcd"))
    assert (outcomes.count("joined"), set(outcomes) - {"joined"} - LATE) == (1, set())
    with aurora.acting():
        assert Membership.objects.filter(user__email=email).count() == 1


def test_database_lets_nobody_become_a_user_without_an_invitation(aurora):
    token = invited(aurora, email := address()).rpartition("/")[2]
    with pytest.raises(DatabaseError, match="row-level security"), presenting(credential=hash_secret(token)):
        User.objects.create_user(address(), PASSWORD)
    with pytest.raises(DatabaseError, match="row-level security"), presenting(credential=hash_secret(token)):
        User.objects.create_user(email, PASSWORD, is_staff=True)
    with pytest.raises(DatabaseError, match="row-level security"), aurora.acting():
        User.objects.create_user(email, PASSWORD)


@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}])
def test_database_lets_nobody_make_themselves_an_operator(aurora, change):
    with pytest.raises(DatabaseError, match="operator"), aurora.acting():
        User.objects.filter(pk=aurora.user.pk).update(**change)


def test_member_is_not_invited_again(aurora):
    answer = aurora.client().post("/api/v1/invitations", {"email": aurora.user.email.upper(), "roles": ["viewer"]})
    assert answer.status_code == 409


# Roles ---------------------------------------------------------------------------------------------------------------


def test_changed_roles_hold_from_the_next_request(aurora):
    member = colleague(aurora, "viewer")
    client = Client()
    client.login(username=member.user.email, password=PASSWORD)
    assert client.get("/api/v1/identity").json()["roles"] == ["viewer"]
    answer = aurora.client().post(f"/api/v1/members/{member.pk}/roles", {"roles": ["planner", "expert"]})
    assert answer.json()["roles"] == ["expert", "planner"]
    assert client.get("/api/v1/identity").json()["roles"] == ["expert", "planner"]


def test_removed_member_has_no_session_and_no_key_any_more(aurora):
    member = colleague(aurora, "manager")
    who = Organisation(aurora.tenant, member.user)
    with acting_as(who.actor("manager")):
        _, secret = make_api_key(name="theirs", scopes=["view_registry"], expires_at=in_an_hour())
    keyed, client = APIClient(headers={"Authorization": f"Api-Key {secret}"}), Client()
    client.login(username=member.user.email, password=PASSWORD)
    assert keyed.get("/api/v1/identity").status_code == client.get("/api/v1/identity").status_code == 200
    assert aurora.client().post(f"/api/v1/members/{member.pk}/remove").status_code == 204
    assert keyed.get("/api/v1/identity").status_code == client.get("/api/v1/identity").status_code == 401


def test_last_owner_stays(aurora):
    client = aurora.client()
    with aurora.acting():
        mine = Membership.objects.get(user=aurora.user)
    assert client.post(f"/api/v1/members/{mine.pk}/remove").status_code == 409
    assert client.post(f"/api/v1/members/{mine.pk}/roles", {"roles": ["viewer"]}).status_code == 409
    colleague(aurora, "owner")
    assert client.post(f"/api/v1/members/{mine.pk}/roles", {"roles": ["viewer"]}).status_code == 200


def test_of_two_owners_who_leave_at_once_one_stays(aurora):
    other = colleague(aurora, "owner")
    with aurora.acting():
        mine = Membership.objects.get(user=aurora.user)

    def leave(membership: Membership) -> str:
        try:
            with aurora.acting():
                people.remove_member(membership=Membership.objects.get(pk=membership.pk))
            return "left"
        except Conflict:
            return "stayed"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, (mine, other))) == ["left", "stayed"]


@pytest.mark.parametrize("act", ["invite", "raise", "demote", "remove"])
def test_nobody_gives_or_takes_rights_that_they_lack(aurora, act):
    """By a key that may manage members, and nothing else."""
    member, boss = colleague(aurora, "viewer"), colleague(aurora, "owner")
    client = aurora.client(["manage_members", "view_registry"])
    answer = {
        "invite": lambda: client.post("/api/v1/invitations", {"email": address(), "roles": ["owner"]}),
        "raise": lambda: client.post(f"/api/v1/members/{member.pk}/roles", {"roles": ["manager"]}),
        "demote": lambda: client.post(f"/api/v1/members/{boss.pk}/roles", {"roles": ["viewer"]}),
        "remove": lambda: client.post(f"/api/v1/members/{boss.pk}/remove"),
    }[act]()
    assert answer.status_code == 422, answer.content
    assert "you lack" in answer.json()["detail"]


def test_matrix_is_what_the_roles_are(aurora):
    rows = aurora.client().get("/api/v1/roles").json()
    assert {row["role"]: frozenset(row["capabilities"]) for row in rows} == ROLES


def test_members_of_others_are_as_absent(aurora, cassia):
    with aurora.acting():
        theirs = Membership.objects.get(user=aurora.user)
    foreign = cassia.client().post(f"/api/v1/members/{theirs.pk}/remove")
    absent = cassia.client().post(f"/api/v1/members/{uuid4()}/remove")
    assert (foreign.status_code, foreign.content) == (absent.status_code, absent.content) == (404, absent.content)


# Programs ------------------------------------------------------------------------------------------------------------


def service(organisation: Organisation, *roles: str) -> dict:
    body = {"name": "Dispatch bot", "roles": list(roles), "purpose": "reads alarms"}
    return organisation.client().post("/api/v1/service-accounts", body).json()


def key_of(organisation: Organisation, account: dict, scopes: list[str]):
    body = {"name": "bot", "scopes": scopes, "expires_at": in_an_hour(), "service_account": account["id"]}
    return organisation.client().post("/api/v1/api-keys", body, format="json")


def keyed(secret: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Api-Key {secret}"})


def test_program_acts_as_itself_within_its_role(aurora):
    account = service(aurora, "viewer")
    made = key_of(aurora, account, ["view_registry", "view_alarms"])
    assert made.status_code == 201, made.json()
    assert made.json()["member"] == account["user"]
    client = keyed(made.json()["secret"])
    me = client.get("/api/v1/identity").json()
    assert (me["roles"], me["capabilities"]) == (["viewer"], ["view_alarms", "view_registry"])
    assert key_of(aurora, account, ["acknowledge_alarms"]).status_code == 422
    members = {row["name"]: row["is_program"] for row in aurora.client().get("/api/v1/members").json()["results"]}
    assert members["Dispatch bot"] is True


def test_program_can_not_sign_in_nor_own(aurora):
    account = service(aurora, "viewer")
    with aurora.acting():
        user = User.objects.get(pk=account["user"])
    assert not user.has_usable_password() and user.email.endswith(".invalid")
    assert not Client().login(username=user.email, password="!")
    body = {"name": "Bot", "roles": ["owner"]}
    assert aurora.client().post("/api/v1/service-accounts", body).status_code == 422
    member = next(row for row in aurora.client().get("/api/v1/members").json()["results"] if row["is_program"])
    assert aurora.client().post(f"/api/v1/members/{member['id']}/roles", {"roles": ["owner"]}).status_code == 422


def test_retired_program_opens_nothing_and_keeps_its_name(aurora):
    account = service(aurora, "viewer")
    secret = key_of(aurora, account, ["view_registry"]).json()["secret"]
    assert aurora.client().post(f"/api/v1/service-accounts/{account['id']}/retire").json()["retired_at"]
    assert keyed(secret).get("/api/v1/identity").status_code == 401
    assert aurora.client().post(f"/api/v1/service-accounts/{account['id']}/retire").status_code == 409
    assert key_of(aurora, account, ["view_registry"]).status_code == 422
    names = [row["name"] for row in aurora.client().get("/api/v1/service-accounts").json()["results"]]
    assert names == ["Dispatch bot"]


def test_programs_of_others_are_as_absent(aurora, cassia):
    account = service(aurora, "viewer")
    assert key_of(cassia, account, ["view_registry"]).status_code == 404
    with cassia.acting():
        assert not User.objects.filter(pk=account["user"]).exists()


# Keys ----------------------------------------------------------------------------------------------------------------


def test_rotated_key_lives_on_for_a_while(aurora):
    client = aurora.client()
    old = client.post(
        "/api/v1/api-keys", {"name": "line", "scopes": ["view_registry"], "expires_at": in_an_hour()}, format="json"
    ).json()
    body = {"expires_at": in_an_hour(), "keep_s": 60}
    new = client.post(f"/api/v1/api-keys/{old['id']}/rotate", body, format="json").json()
    assert (new["replaces"], new["scopes"]) == (old["id"], ["view_registry"])
    assert keyed(old["secret"]).get("/api/v1/identity").status_code == 200
    assert keyed(new["secret"]).get("/api/v1/identity").status_code == 200
    shortened = datetime.fromisoformat(
        next(row["expires_at"] for row in client.get("/api/v1/api-keys").json()["results"] if row["id"] == old["id"])
    )
    assert shortened <= datetime.now(UTC) + timedelta(seconds=60)
    assert client.post(f"/api/v1/api-keys/{old['id']}/rotate", body, format="json").status_code == 409


def test_key_rotated_without_grace_is_dead_at_once(aurora):
    with aurora.acting():
        key, secret = make_api_key(name="line", scopes=["view_registry"], expires_at=in_an_hour())
    body = {"expires_at": in_an_hour(), "keep_s": 0}
    assert aurora.client().post(f"/api/v1/api-keys/{key.pk}/rotate", body, format="json").status_code == 201
    assert keyed(secret).get("/api/v1/identity").status_code == 401


def test_keys_are_listed_by_how_they_stand_and_whose_they_are(aurora):
    account = service(aurora, "viewer")
    bot = key_of(aurora, account, ["view_registry"]).json()["id"]
    with aurora.acting():
        gone, _ = make_api_key(name="gone", scopes=["view_registry"], expires_at=in_an_hour())
        ApiKey.objects.filter(pk=gone.pk).update(revoked_at=datetime.now(UTC))
        late, _ = make_api_key(name="late", scopes=["view_registry"], expires_at=in_an_hour())
        ApiKey.objects.filter(pk=late.pk).update(expires_at=datetime.now(UTC))
    client = aurora.client()

    def ids(query: str) -> list[str]:
        return [row["id"] for row in client.get(f"/api/v1/api-keys?{query}").json()["results"]]

    assert ids("state=revoked") == [str(gone.pk)]
    assert ids("state=expired") == [str(late.pk)]
    assert bot in ids("state=open") and str(late.pk) not in ids("state=open")
    assert ids(f"member={account['user']}") == [bot]
    assert client.get("/api/v1/api-keys?state=lost").status_code == 422
    assert client.get("/api/v1/api-keys?member=me").status_code == 422


def test_last_use_of_a_key_is_noted_once_a_minute(aurora):
    with aurora.acting():
        key, secret = make_api_key(name="line", scopes=["view_registry"], expires_at=in_an_hour())
    client = keyed(secret)

    def used_at() -> datetime:
        client.get("/api/v1/identity")
        with aurora.acting():
            return ApiKey.objects.get(pk=key.pk).last_used_at

    first = used_at()
    assert used_at() == first
    with aurora.acting():
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=first - timedelta(minutes=2))
    assert used_at() > first


# Which organisation --------------------------------------------------------------------------------------------------


def test_header_names_the_organisation_of_a_person_in_several(aurora, borealis, cassia):
    with as_platform("tests", "admit to a second organisation"):
        admit_member(tenant=borealis.tenant, user=aurora.user, roles=["viewer"])
    client = Client()
    client.login(username=aurora.user.email, password=PASSWORD)
    for named in (str(borealis.id), borealis.tenant.slug):
        me = client.get("/api/v1/identity", headers={"X-Tenant": named}).json()
        assert (me["tenant"]["id"], me["roles"]) == (str(borealis.id), ["viewer"])
    foreign = client.get("/api/v1/identity", headers={"X-Tenant": str(cassia.id)})
    absent = client.get("/api/v1/identity", headers={"X-Tenant": "no-such"})
    assert (foreign.status_code, foreign.content) == (401, absent.content)


def test_header_must_agree_with_the_key(aurora, borealis):
    with as_platform("tests", "admit to a second organisation"):
        admit_member(tenant=borealis.tenant, user=aurora.user, roles=["owner"])
    client = aurora.client()
    assert client.get("/api/v1/identity", headers={"X-Tenant": aurora.tenant.slug}).status_code == 200
    assert client.get("/api/v1/identity", headers={"X-Tenant": borealis.tenant.slug}).status_code == 401


def test_roles_beyond_the_table_are_refused(aurora):
    with aurora.acting():
        for roles in ([], ["emperor"]):
            with pytest.raises(Invalid):
                people.invite_member(email=address(), roles=roles)
        with pytest.raises(NotFound):
            people.accept_invitation(token="cmi_none", name="x", password=PASSWORD)
    assert capabilities_of(frozenset({"emperor"})) == frozenset()
