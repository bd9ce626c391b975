"""Operators found organisations in the platform's administration."""

import re
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client

from tenants.context import as_platform
from tenants.ledger.api import entries_where
from tenants.models import PlatformAccess, Site, Tenant
from tests.functional.admin.test_admin import at_the_platform, operator  # noqa: F401

ADD = "/platform/tenants/tenant/add/"


def wished(**changed):
    slug = f"operators-{uuid4().hex[:10]}"
    given = {"slug": slug, "name": "By Operators", "kind": "mine_operator", "email": f"{slug}@example.com"}
    return {**given, "currency": "USD", "time_zone": "UTC", **changed}


def test_operator_founds_an_organisation_whose_owner_is_invited(operator):  # noqa: F811
    client, wish = at_the_platform(operator, "contract 7"), wished()
    assert client.get(ADD).status_code == 200
    answer = client.post(ADD, wish)
    assert answer.status_code == 302, answer.content.decode()
    link = re.search(r"http://testserver(/invitations/\S+)", mail.outbox[-1].body)[1]
    assert "By Operators" in Client().get(link).content.decode()
    with as_platform("tests", "look at what was founded"):
        tenant = Tenant.objects.get(slug=wish["slug"])
        assert set(Site.objects.filter(tenant=tenant).values_list("code", flat=True)) == {"mine", "mill"}
        assert PlatformAccess.objects.filter(reason__contains=f"contract 7 [POST {ADD}]").exists()


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"currency": "usd"}, "three capital letters"), ({"time_zone": "Mars"}, "IANA"), ({"slug": "a b"}, "slug")],
)
def test_bad_value_is_said_in_the_form(operator, changed, words):  # noqa: F811
    answer = at_the_platform(operator, "contract 7").post(ADD, wished(**changed))
    assert (answer.status_code, words in answer.content.decode()) == (200, True)


def test_nothing_but_the_group_of_a_founded_organisation_is_changed_there(aurora, operator):  # noqa: F811
    client = at_the_platform(operator, "contract 7")
    page = f"/platform/tenants/tenant/{aurora.id}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, wished(group_name="Polar Holding")).status_code == 302
    with as_platform("tests", "look at what was changed"):
        found = Tenant.objects.get(pk=aurora.id)
    assert (found.group_name, found.name, found.slug) == ("Polar Holding", aurora.tenant.name, aurora.tenant.slug)
    with aurora.acting():
        assert "organisation.grouped" in {row.kind for row in entries_where(subject=aurora.id)}
