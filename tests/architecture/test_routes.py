"""Every route × method × role × organisation is decided in one table (`routes.TABLE`), and the table is complete."""

import json
import re
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from tenants.models import Membership
from tenants.roles import ROLES
from tests import personas
from tests.architecture.routes import BODIES, NOT_FOR_THE_OWNER, OF_ONES_OWN, OTHERWISE, TABLE
from tests.personas import Organisation
from tests.places import Places
from tests.sweep.filters import undone


def routes(patterns: list, prefix: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += routes(pattern.url_patterns, path)
        elif path.startswith("api/v1/"):
            found.append((path, pattern))
    return found


ROUTES = {pattern.name: (path, pattern) for path, pattern in routes(get_resolver().url_patterns)}


def table_faults(table: dict[tuple[str, str], str], served: dict[str, tuple[str, URLPattern]]) -> list[str]:
    """Routes and methods that are served but not decided, or decided otherwise than served."""
    actual = {
        (name, method): capability
        for name, (_, pattern) in served.items()
        if name not in OTHERWISE
        for method, capability in pattern.callback.view_class.needs.items()
    }
    keys = sorted(actual.keys() | table.keys())
    return [
        f"{key}: table {table.get(key)}, served {actual.get(key)}" for key in keys if table.get(key) != actual.get(key)
    ]


def test_table_names_every_route_and_method():
    assert len(ROUTES) > 40
    assert table_faults(TABLE, ROUTES) == []


def test_planted_route_is_named():
    undecided = {key: capability for key, capability in TABLE.items() if key != ("site-list", "POST")}
    assert table_faults(undecided, ROUTES) == ["('site-list', 'POST'): table None, served manage"]


@dataclass
class Prober:
    """Asks for every route as one organisation in one role; unless `commits`, nothing stays of it."""

    organisation: Organisation
    client: APIClient
    places: Places
    commits: bool = False

    def become(self, role: str) -> None:
        with self.organisation.acting():
            Membership.objects.filter(user=self.organisation.user).update(roles=[role])

    def ask(self, name: str, method: str) -> int:
        path = "/" + ROUTES[name][0]
        for argument, value in self.places.ids.items():
            path = re.sub(rf"<\w+:{argument}>", str(value), path)
        assert "<" not in path, f"tests/places.py gives no object for {path}"
        body = json.dumps(BODIES.get(name, {}))
        with nullcontext() if self.commits or method == "GET" else undone():
            return self.client.generic(method, path, body, content_type="application/json").status_code


def expected(role: str, capability: str, name: str, is_owner: bool) -> set[int]:
    """The decision: lacking the capability 403; foreign objects 404; else anything but a refusal or our mistake."""
    if capability not in ROLES[role]:
        return {403}
    if "<" in ROUTES[name][0] and not is_owner and name not in OF_ONES_OWN:
        return {404}
    if name in NOT_FOR_THE_OWNER:
        return {403, 404}
    return {200, 201, 202, 204, 400, 409, 410, 422, 428}


def faults(prober: Prober, role: str, *, is_owner: bool) -> list[str]:
    """Answers to this role that are not those decided."""
    prober.become(role)
    statuses = {(name, method): prober.ask(name, method) for name, method in TABLE}
    return [
        f"{method} {name} as {role}: {status}"
        for (name, method), status in statuses.items()
        if status not in expected(role, TABLE[name, method], name, is_owner)
    ]


def test_every_route_answers_its_owner_as_decided(aurora):
    prober = Prober(aurora, aurora.client(), Places.of_aurora(aurora), commits=True)
    assert faults(prober, "owner", is_owner=True) == []


@pytest.fixture(scope="module")
def own_prober() -> Prober:
    group = personas.aurora()
    return Prober(group, group.client(), Places.of_aurora(group))


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_of_the_owner_as_decided(role, own_prober):
    assert faults(own_prober, role, is_owner=True) == []


@pytest.fixture(scope="module")
def closed_places() -> Places:
    """Of an owner whose objects stay as they are, since nobody who asks may change them."""
    return Places.of_aurora(personas.aurora())


@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_each_role_of_an_outsider_as_decided(role, cassia, closed_places):
    assert faults(Prober(cassia, cassia.client(), closed_places), role, is_owner=False) == []


def test_no_route_answers_without_a_credential(aurora, closed_places):
    prober = Prober(aurora, APIClient(), closed_places)
    assert {(key, prober.ask(*key)) for key in TABLE} == {(key, 401) for key in TABLE}
