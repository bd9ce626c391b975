"""The organisation's own pages: its tree, one site, its data and its closing."""

import re

import pytest
from django.test import Client

from tenants.actions import register_equipment
from tenants.models import Company, Equipment, Export, Process, Site
from tenants.organisation import actions
from tests.personas import PASSWORD


@pytest.fixture
def owner(aurora):
    return signed_in(aurora)


def signed_in(organisation):
    client = Client()
    assert client.login(username=organisation.user.email, password=PASSWORD)
    return client


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_bar_leads_to_the_organisations_tabs(owner):
    text = page(owner, "/sites")
    assert '<a href="/sites" aria-current="page">Organisation</a>' in text
    assert '<a href="/data">Data</a>' in text


def test_tree_shows_companies_above_sites_and_processes_beside_them(aurora, owner):
    with aurora.acting():
        group = actions.add_company(code="group", name="Aurora Holding")
        metals = actions.add_company(code="metals", name="Aurora Metals", parent=group)
        site = actions.change_site(site=Site.objects.get(pk=aurora.sites["north"].pk), company=metals)
        actions.add_process(site=site, code="vent", name="Main ventilation", kind="ventilation")
    text = page(owner, "/sites")
    places = [text.index(words) for words in ("Aurora Holding", "Aurora Metals", "Aurora North", "Main ventilation")]
    assert places == sorted(places)
    assert "Of no company" in text


def test_company_site_process_and_equipment_are_added_and_changed(aurora, owner):
    assert owner.post("/companies/new", {"code": "group", "name": "Group", "parent": ""}).status_code == 302
    with aurora.acting():
        company = Company.objects.get(tenant=aurora.id)
    given = {"code": "pit", "name": "Pit", "kind": "mine", "company": str(company.pk), "mine": ""}
    local = {"time_zone": "Asia/Shanghai", "currency": "CNY", "units": "metric"}
    assert owner.post("/sites/new", {**given, **local}).status_code == 302
    with aurora.acting():
        site = Site.objects.get(tenant=aurora.id, code="pit")
    assert (
        owner.post(f"/sites/{site.pk}/processes/new", {"code": "v", "name": "Air", "kind": "ventilation"}).status_code
        == 302
    )
    with aurora.acting():
        process = Process.objects.get(site=site)
    suggested = page(owner, f"/sites/{site.pk}/equipment/new")
    assert 'list="equipment-types"' in suggested
    assert '<option value="rear_dump_truck">Rear dump truck (OPC 40563-3)</option>' in suggested
    machine = {"code": "FAN-09", "name": "Fan 9", "kind": "fan", "process": str(process.pk)}
    assert owner.post(f"/sites/{site.pk}/equipment/new", machine).status_code == 302
    renamed = owner.post(f"/sites/{site.pk}/change", {**given, **local, "name": "Great pit", "units": "imperial"})
    assert renamed["Location"] == f"/sites/{site.pk}"
    text = page(owner, f"/sites/{site.pk}")
    assert (
        "short tons, feet, cubic yards" in text
        and "Great pit" in text
        and "Imperial" in text
        and "FAN-09" in text
        and "Ventilation" in text
    )
    with aurora.acting():
        fan = Equipment.objects.get(tenant=aurora.id, code="FAN-09")
    assert 'value="Fan 9"' in page(owner, f"/sites/{site.pk}/equipment/{fan.pk}")
    assert 'value="Group"' in page(owner, f"/companies/{company.pk}")
    assert 'value="Air"' in page(owner, f"/sites/{site.pk}/processes/{process.pk}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"code": "north-mill"}, "This site code is taken."),
        ({"currency": "usd"}, "three capital letters"),
        ({"mine": "itself"}, "Only a concentrating mill belongs to a mine."),
    ],
)
def test_refusal_is_said_on_the_form(aurora, owner, change, words):
    site = str(aurora.sites["north"].pk)
    change = {name: site if value == "itself" else value for name, value in change.items()}
    given = {"code": "north", "name": "North", "company": "", "mine": "", "currency": "USD", "units": "metric"}
    answer = owner.post(f"/sites/{site}/change", {**given, "time_zone": "UTC", **change})
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_equipment_of_a_site_is_paged_by_its_codes(aurora, cassia, owner):
    with aurora.acting():
        for n in range(60):
            register_equipment(site=aurora.sites["north"], code=f"Z-{59 - n:02}", name=f"Belt {n}", kind="conveyor")
        codes = sorted(row.code for row in Equipment.objects.filter(site=aurora.sites["north"]))
    address, shown, pages = f"/sites/{aurora.sites['north'].pk}", [], 0
    query = ""
    while query is not None:
        text = page(owner, address + query)
        shown += re.findall(r"<small>([^<]+)</small></td><td>[a-z_]+</td>", text)
        more = re.search(r'href="(\?behind=[0-9a-f-]+)">More machines', text)
        assert ("First machines" in text) == (pages > 0)
        query, pages = more and more[1], pages + 1
    assert shown == codes and pages == 1 + (len(codes) - 1) // 25
    for behind in (cassia.id, "nobody"):
        assert owner.get(f"{address}?behind={behind}").status_code == 404


def test_foreign_site_is_not_there(aurora, cassia):
    client = signed_in(cassia)
    for path in (f"/sites/{aurora.sites['north'].pk}", f"/sites/{aurora.sites['north'].pk}/change"):
        assert client.get(path).status_code == 404
    assert "Aurora North" not in page(client, "/sites")


def test_archive_is_asked_for_and_cancelled_on_the_page(aurora, owner):
    assert owner.post("/data/steps/export").status_code == 302
    text = page(owner, "/data")
    assert "queued" in text and "Cancel" in text and "Make an archive" not in text
    with aurora.acting():
        export = Export.objects.get(tenant=aurora.id)
    assert owner.post(f"/data/exports/{export.pk}/cancel").status_code == 302
    assert "Make an archive" in page(owner, "/data/exports")


def test_closing_asks_for_the_short_name_and_is_taken_back(aurora, owner):
    wrong = owner.post("/data/close", {"slug": "other", "reason": "we stop"})
    assert (wrong.status_code, "not the short name" in wrong.content.decode()) == (422, True)
    assert owner.post("/data/close", {"slug": aurora.tenant.slug, "reason": "we stop"}).status_code == 302
    assert "is closing: we stop" in page(owner, "/data")
    assert owner.get("/plans").status_code == 403
    assert owner.post("/data/steps/withdraw").status_code == 302
    assert owner.get("/plans").status_code == 200
