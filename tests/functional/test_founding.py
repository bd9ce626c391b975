"""Each kind of organisation is founded by one command and works on its first day."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from edge_bridge.models import Reading
from optimization.models import Scenario
from tenants.context import as_platform
from tenants.models import Company, Invitation, Membership, Process, Site, Tenant
from tenants.organisation.founding import STARTS
from tests.personas import PASSWORD

WITHIN = {"expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}


def founded(kind, *options):
    """The short name, the address of the first owner, and the link that the command printed."""
    slug = f"first-day-{uuid4().hex[:10]}"
    said = StringIO()
    call_command("found_organisation", slug, "First Day", kind, f"{slug}@example.com", *options, stdout=said)
    return slug, f"{slug}@example.com", re.search(r"http\S+(/invitations/\S+)", said.getvalue())[1]


def joined(link):
    client = Client()
    answer = client.post(link, {"name": "First Owner", "password": PASSWORD, "password_again": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


@pytest.mark.parametrize("kind", list(STARTS))
def test_organisation_of_each_kind_works_on_its_first_day(kind):
    slug, email, link = founded(kind)
    joined(link)
    client = Client()
    assert client.post("/login", {"login": email, "password": PASSWORD}).status_code == 302
    assert "First Day" in client.get("/").content.decode()
    assert client.get("/sites").status_code == 200
    tree = client.get("/api/v1/organisation/tree").json()
    assert [company["name"] for company in tree["companies"]] == ["First Day"]
    assert [site["code"] for site in tree["sites"]] == sorted(ground.code for ground in STARTS[kind].sites)
    made = client.post("/api/v1/sites", {"code": "own", "name": "Own", "kind": "mine"}, content_type="application/json")
    assert made.status_code == 201
    asked = {"name": "gateway", "scopes": ["view_registry"], **WITHIN}
    secret = client.post("/api/v1/api-keys", asked, content_type="application/json").json()["secret"]
    seen = Client().get("/api/v1/identity", headers={"Authorization": f"Api-Key {secret}"}).json()
    assert (seen["tenant"]["slug"], seen["tenant"]["kind"]) == (slug, kind)
    with as_platform("tests", "roles of the first user"):
        assert Membership.objects.get(tenant__slug=slug).roles == sorted(STARTS[kind].roles)


def test_every_kind_has_a_beginning():
    assert set(STARTS) == set(Tenant.Kind.values)


def test_mill_belongs_to_the_mine_and_has_its_processes():
    slug, _, _ = founded("mine_operator", "--currency", "CNY", "--time-zone", "Asia/Shanghai")
    with as_platform("tests", "look at what was founded"):
        mill = Site.objects.get(tenant__slug=slug, code="mill")
        assert (mill.mine.code, mill.currency, mill.time_zone) == ("mine", "CNY", "Asia/Shanghai")
        assert set(Process.objects.filter(site=mill).values_list("kind", flat=True)) == {
            *("crushing", "milling", "flotation")
        }
        assert Company.objects.get(tenant__slug=slug).name == "First Day"


def test_sample_data_gives_readings_and_a_plan_to_solve():
    slug, email, link = founded("mining_group", "--sample-data")
    client = joined(link)
    client.post("/login", {"login": email, "password": PASSWORD})
    series = client.get("/api/v1/equipment").json()["results"]
    assert {machine["code"] for machine in series} == {"GAS-01", "FAN-01", "PUMP-01"}
    with as_platform("tests", "look at the sample"):
        tenant = Tenant.objects.get(slug=slug)
        assert Reading.objects.filter(tenant=tenant).count() == 180
        assert Scenario.objects.get(tenant=tenant).name == "Sample quarter"


def test_founding_again_before_anybody_joined_invites_again():
    slug, email, first = founded("consultancy")
    said = StringIO()
    call_command("found_organisation", slug, "First Day", "consultancy", email, stdout=said)
    second = re.search(r"http\S+(/invitations/\S+)", said.getvalue())[1]
    assert Client().get(first).status_code != 200
    joined(second)
    with pytest.raises(CommandError, match="is taken"):
        call_command("found_organisation", slug, "First Day", "consultancy", email)
    with as_platform("tests", "one organisation"):
        assert Tenant.objects.filter(slug=slug).count() == 1
        assert Invitation.objects.filter(tenant__slug=slug, accepted_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("no such slug", "Name", "regulator", "a@example.com"), "slug"),
        (("fine", " ", "regulator", "a@example.com"), "name: give a name"),
        (("fine", "Name", "regulator", "nobody"), "email"),
        (("fine", "Name", "regulator", "a@example.com", "--currency", "euro"), "three capital letters"),
        (("fine", "Name", "regulator", "a@example.com", "--time-zone", "Mars/Base"), "IANA"),
    ],
)
def test_bad_value_is_refused_in_words_and_founds_nothing(words, fault):
    with pytest.raises(CommandError, match=fault):
        call_command("found_organisation", *words)
    with as_platform("tests", "nothing was founded"):
        assert not Tenant.objects.filter(slug__in=["fine", "no such slug"]).exists()
