"""Delegation inside the partner, the explanation of access and the access matrix."""

from datetime import timedelta

import pytest

from tenants import access
from tenants.agreements import actions as agreeing
from tenants.context import acting_as
from tenants.data import Forbidden, Invalid, NotFound
from tenants.models import FeedEvent
from tenants.sharing import actions, queries
from tenants.sharing.access import get_received_agreement
from tests.integration.marketplace.scenes import alarm_of
from tests.integration.tenants.sharing_scenes import actor_of, colleague, now, opened

URL = "/api/v1/access"


def delegate(partner, agreement, roles=(), members=()) -> None:
    with partner.acting():
        actions.delegate(agreement=agreement, roles=roles, members=members)


def sees_north(actor, owner) -> bool:
    with acting_as(actor):
        return owner.sites["north"].pk in access.granted("sites", "view_alarms")


# Delegation ----------------------------------------------------------------------------------------------------------


def test_agreement_without_delegation_is_used_by_every_role(aurora, borealis):
    opened(aurora, borealis)
    assert all(sees_north(actor_of(borealis, role), aurora) for role in ("owner", "viewer", "operator"))


def test_delegated_agreement_is_used_by_its_roles_and_members_and_by_nobody_else(aurora, borealis):
    agreement = opened(aurora, borealis)
    named, other = colleague(borealis, "viewer"), colleague(borealis, "viewer")
    delegate(borealis, agreement, ["expert"], [named.user.pk])
    assert sees_north(actor_of(borealis, "expert"), aurora)
    assert sees_north(actor_of(named, "viewer"), aurora)
    assert not sees_north(actor_of(other, "viewer"), aurora)
    assert not sees_north(actor_of(borealis, "owner"), aurora)


def test_delegation_to_nobody_closes_the_agreement_and_clearing_it_opens_it_again(aurora, borealis):
    agreement = opened(aurora, borealis)
    delegate(borealis, agreement)
    assert not sees_north(actor_of(borealis), aurora)
    with borealis.acting():
        actions.clear_delegation(agreement=agreement)
    assert sees_north(actor_of(borealis), aurora)


def test_second_agreement_for_the_same_place_is_not_touched_by_the_delegation_of_the_first(aurora, borealis):
    first = opened(aurora, borealis)
    opened(aurora, borealis, title="Second")
    delegate(borealis, first)
    assert sees_north(actor_of(borealis, "viewer"), aurora)


def test_delegation_is_announced_to_the_partner_alone(aurora, borealis):
    agreement = opened(aurora, borealis)
    delegate(borealis, agreement, ["expert"])
    with borealis.acting():
        assert FeedEvent.objects.filter(kind="rights.delegation_changed", body__agreement=str(agreement.pk)).exists()
    with aurora.acting():
        assert not FeedEvent.objects.filter(kind="rights.delegation_changed").exists()


def test_stranger_or_unknown_role_in_a_delegation_is_refused_and_nothing_is_written(aurora, borealis, cassia):
    agreement = opened(aurora, borealis)
    with pytest.raises(Invalid, match="members of your organisation"):
        delegate(borealis, agreement, [], [cassia.user.pk])
    with pytest.raises(Invalid, match="Unknown role"):
        delegate(borealis, agreement, ["emperor"])
    assert sees_north(actor_of(borealis), aurora)


def test_only_the_partners_administrator_delegates(aurora, borealis, cassia):
    agreement = opened(aurora, borealis)
    with borealis.acting("manager"), pytest.raises(Forbidden):
        actions.delegate(agreement=agreement, roles=["expert"], members=[])
    for stranger in (aurora, cassia):
        with stranger.acting(), pytest.raises(NotFound):
            get_received_agreement(agreement.pk, needs="manage_members")


def test_delegation_over_http_is_read_set_and_cleared(aurora, borealis):
    url = f"/api/v1/agreements/{opened(aurora, borealis).pk}/delegation"
    client = borealis.client()
    assert client.get(url).json()["everyone"] is True
    wish = {"roles": ["expert"], "members": [str(borealis.user.pk)]}
    answer = client.put(url, wish, format="json")
    assert answer.status_code == 200 and answer.json()["members"] == wish["members"]
    assert client.get(url).json()["everyone"] is False
    assert client.delete(url).status_code == 204
    assert client.get(url).json()["everyone"] is True
    bad = client.put(url, {"roles": ["emperor"], "members": []}, format="json")
    assert bad.status_code == 422 and bad.json()["errors"][0]["pointer"] == "/roles/0"
    assert aurora.client().get(url).status_code == 404


# Explanation ---------------------------------------------------------------------------------------------------------


def explained(organisation, name, purpose="", **query):
    headers = {"HTTP_X_PURPOSE": purpose} if purpose else {}
    return organisation.client().get(f"{URL}/explain", {"object": name, **query}, **headers)


def test_owner_reads_who_sees_an_alarm_by_which_clause_and_until_when(aurora, borealis, delta):
    alarm = alarm_of(aurora)
    until = now() + timedelta(days=3)
    agreement = opened(aurora, borealis, during=(now(), until), field_mask=["value"], purpose="repair")
    opened(aurora, delta, "view_telemetry")
    body = explained(aurora, f"alarm:{alarm.pk}").json()
    assert (body["side"], body["may"], len(body["ways"])) == ("owner", True, 1)
    way = body["ways"][0]
    assert way["agreement"] == str(agreement.pk) and way["partner"] == str(borealis.id)
    assert (way["permission"], way["purpose"], way["field_mask"]) == ("view_alarms", "repair", ["value"])
    assert way["ends_at"].startswith(f"{until:%Y-%m-%dT%H:%M}")
    assert "Borealis may see alarms at Aurora North (north)" in way["words"]
    assert "only for the purpose repair, without value" in way["words"]
    assert "operator" in body["own_roles"] and "finance" not in body["own_roles"]


def test_owner_asks_about_one_partner_and_reads_why_it_sees_nothing(aurora, borealis, delta):
    alarm = alarm_of(aurora)
    opened(aurora, borealis)
    agreement = opened(aurora, delta)
    with aurora.acting():
        agreeing.suspend_agreement(agreement=agreement)
    body = explained(aurora, f"alarm:{alarm.pk}", tenant=str(delta.id)).json()
    assert body["may"] is False
    assert [way["why_not"] for way in body["ways"]] == [["suspended"]]
    assert "suspended" in body["ways"][0]["words"]


def test_partner_reads_why_it_sees_an_object_and_what_the_purpose_changes(aurora, borealis):
    alarm = alarm_of(aurora)
    opened(aurora, borealis, purpose="repair")
    name = f"alarm:{alarm.pk}"
    assert explained(borealis, name).json()["ways"][0]["why_not"] == ["purpose"]
    body = explained(borealis, name, purpose="repair").json()
    assert (body["side"], body["may"], body["ways"][0]["why_not"]) == ("partner", True, [])


def test_partner_reads_that_its_own_delegation_or_role_closes_an_object(aurora, borealis):
    agreement = opened(aurora, borealis)
    delegate(borealis, agreement, ["expert"])
    body = explained(borealis, f"site:{aurora.sites['north'].pk}").json()
    assert (body["may"], body["ways"][0]["why_not"]) == (False, ["not_delegated"])


def test_ended_agreement_still_explains_why_nothing_is_seen(aurora, borealis):
    agreement = opened(aurora, borealis)
    with aurora.acting():
        agreeing.end_agreement(agreement=agreement, reason="done")
    for party in (aurora, borealis):
        body = explained(party, f"site:{aurora.sites['north'].pk}").json()
        assert (body["may"], body["ways"][0]["why_not"]) == (False, ["terminated"])


@pytest.mark.parametrize("kind", ["site", "equipment", "alarm", "series"])
def test_outsider_gets_the_answer_of_an_absent_object(kind, aurora, borealis, cassia):
    from edge_bridge.models import Series

    alarm = alarm_of(aurora)
    with aurora.acting():
        series = Series.objects.get(tenant=aurora.id)
    opened(aurora, borealis)
    ids = {"site": alarm.site_id, "equipment": alarm.equipment_id, "alarm": alarm.pk, "series": series.pk}
    foreign = explained(cassia, f"{kind}:{ids[kind]}")
    absent = explained(cassia, f"{kind}:{aurora.user.pk}")
    assert (foreign.status_code, foreign.json()) == (404, absent.json())


def test_partner_learns_nothing_of_other_places_or_other_partners(aurora, borealis, delta):
    opened(aurora, borealis)
    opened(aurora, delta, title="Statute")
    assert explained(borealis, f"site:{aurora.sites['north-mill'].pk}").status_code == 404
    assert "Statute" not in explained(borealis, f"site:{aurora.sites['north'].pk}").content.decode()


@pytest.mark.parametrize("name", ["alarm", "alarm:1", "person:0", "", "site:" + "9" * 90])
def test_bad_object_is_answered_422_with_what_to_write(name, aurora):
    answer = explained(aurora, name)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/object"


# Matrix --------------------------------------------------------------------------------------------------------------


def matrix(organisation, **query):
    answer = organisation.client().get(f"{URL}/matrix", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_matrix_shows_what_is_open_to_whom_and_on_request_what_is_not(aurora, borealis, delta):
    live = opened(aurora, borealis, "view_alarms", "comment")
    shut = opened(aurora, delta, equipment=aurora.equipment["FAN-01"], title="Fan")
    with aurora.acting():
        agreeing.suspend_agreement(agreement=shut)
    [row] = matrix(aurora)
    assert (row["agreement"], row["partner"], row["code"]) == (str(live.pk), str(borealis.id), "north")
    assert row["permissions"] == ["comment", "view_alarms"] and row["in_force"] is True
    [row] = matrix(aurora, state="not_in_force")
    assert (row["agreement_title"], row["code"], row["why_not"]) == ("Fan", "FAN-01", ["suspended"])
    assert len(matrix(aurora, state="all")) == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "borea"}, 1),
        ({"q": "FAN-01"}, 1),
        ({"q": "100%"}, 0),
        ({"permission": "comment"}, 0),
        ({"permission": "view_alarms"}, 2),
    ],
)
def test_matrix_is_searched_and_filtered(query, found, aurora, borealis, delta):
    opened(aurora, borealis)
    opened(aurora, delta, equipment=aurora.equipment["FAN-01"])
    assert len(matrix(aurora, **query)) == found
    assert len(matrix(aurora, partner=str(delta.id))) == 1


def test_partner_reads_what_it_received_and_the_outsider_nothing(aurora, borealis, cassia):
    opened(aurora, borealis)
    assert matrix(borealis) == []
    assert [row["owner_name"] for row in matrix(borealis, side="received")] == ["Aurora"]
    for side in ("given", "received"):
        assert matrix(cassia, side=side, state="all") == []


def test_matrix_is_a_table_with_a_line_for_each_permission(aurora, borealis):
    opened(aurora, borealis, "view_alarms", "comment", title="=cmd()")
    answer = aurora.client().get(f"{URL}/matrix.csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert answer["content-type"].startswith("text/csv") and len(lines) == 3
    assert lines[0].startswith("owner,partner,code,place,permission")
    assert ",=cmd()" not in answer.content.decode()


def test_rows_in_force_are_those_whose_grants_stand(aurora, borealis):
    opened(aurora, borealis)
    past = opened(aurora, borealis, title="Past", during=(now() - timedelta(hours=2), now() - timedelta(hours=1)))
    with aurora.acting():
        shown = {way.clause.agreement.title: way.why_not for way in queries.ways_of(queries.clauses(state="all"))}
    assert shown == {"Watch": (), past.title: ("over",)}
    with borealis.acting():
        assert access.granted("sites", "view_alarms") == {aurora.sites["north"].pk}
