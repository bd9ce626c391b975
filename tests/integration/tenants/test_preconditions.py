"""Every address with a PATCH says which state it is in, and refuses a change of another state than its author read."""

from functools import partial

import pytest

from tests.sweep.operations import document
from tests.together import at_once


@pytest.fixture
def owner(aurora):
    return aurora.client()


@pytest.fixture
def places(aurora, owner):
    """An address of each kind → a change that it takes."""
    made = {
        "companies": {"code": "group", "name": "Group"},
        "processes": {"code": "vent", "name": "Air", "kind": "ventilation", "site": str(aurora.sites["north"].pk)},
        "persons": {"code": "p-1", "name": "Pat"},
    }
    found = {f"/api/v1/sites/{aurora.sites['north'].pk}": "time_zone"}
    found[f"/api/v1/equipment/{aurora.equipment['FAN-01'].pk}"] = "name"
    for kind, body in made.items():
        answer = owner.post(f"/api/v1/{kind}", body)
        assert answer.status_code == 201, answer.content
        found[f"/api/v1/{kind}/{answer.json()['id']}"] = "name"
    return found


def changed(client, place, name, value="Asia/Shanghai", **headers):
    return client.patch(place, {name: value}, headers=headers)


def test_change_is_refused_if_another_came_between(owner, places):
    for place, name in places.items():
        read = owner.get(place)
        first = changed(owner, place, name, "Europe/Madrid", **{"If-Match": read["ETag"]})
        assert (first.status_code, first["ETag"]) == (200, owner.get(place)["ETag"]), place
        assert first["ETag"] != read["ETag"]
        late = changed(owner, place, name, **{"If-Match": read["ETag"]})
        assert (late.status_code, late.json()["type"]) == (412, "urn:cloudmining:problem:precondition-failed")
        assert owner.get(place).json()[name] == "Europe/Madrid"
        either = f'"another", {first["ETag"]}'
        assert changed(owner, place, name, **{"If-Match": either}).status_code == 200, place


@pytest.mark.parametrize(("wanted", "status"), [("*", 200), (None, 200), ("rubbish", 412), ("", 412), ('W/"{}"', 412)])
def test_header_is_read_as_the_standard_says(owner, aurora, wanted, status):
    place = f"/api/v1/sites/{aurora.sites['north'].pk}"
    etag = owner.get(place)["ETag"].strip('"')
    headers = {} if wanted is None else {"If-Match": wanted.format(etag)}
    assert changed(owner, place, "name", "N", **headers).status_code == status


def test_refusals_of_another_kind_come_first(owner, aurora, cassia):
    place = f"/api/v1/sites/{aurora.sites['north'].pk}"
    stale = {"If-Match": '"stale"'}
    assert changed(cassia.client(), place, "name", "N", **stale).status_code == 404
    assert changed(aurora.client(["view_registry"]), place, "name", "N", **stale).status_code == 403
    assert changed(owner, place, "time_zone", "Nowhere", **stale).status_code == 422


def test_of_two_changes_at_once_of_one_state_one_is_refused(owner, aurora):
    place = f"/api/v1/sites/{aurora.sites['north'].pk}"
    etag = owner.get(place)["ETag"]

    answers = at_once(*[partial(changed, owner, place, "name", name, **{"If-Match": etag}) for name in "ABCD"])
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


def test_document_says_so_of_every_patch():
    changes = [item for item in document()["paths"].values() if "patch" in item]
    assert len(changes) >= 5
    for item in changes:
        assert "If-Match" in {given["name"] for given in item["patch"]["parameters"]}
        assert "412" in item["patch"]["responses"]
        assert all("ETag" in item[method]["responses"]["200"]["headers"] for method in ("get", "patch"))
