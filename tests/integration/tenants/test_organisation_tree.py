"""Companies, sites and processes: one tree for each organisation, without rings, in one answer."""

import pytest
from django.db import IntegrityError, connection

from tenants.data import Invalid
from tenants.models import Company, Equipment
from tenants.organisation import actions, queries
from tenants.roles import SITE_PERMISSIONS
from tests.integration.tenants.read_scenes import share


def company(client, code, **rest):
    answer = client.post("/api/v1/companies", {"code": code, "name": code.title(), **rest})
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_tree_is_told_in_one_answer(aurora):
    client = aurora.client()
    group = company(client, "group")
    metals = company(client, "metals", parent=group["id"])
    site = str(aurora.sites["north"].pk)
    assert client.patch(f"/api/v1/sites/{site}", {"company": metals["id"]}).json()["company"] == metals["id"]
    made = client.post("/api/v1/processes", {"site": site, "code": "vent", "name": "Air", "kind": "ventilation"}).json()
    fan = str(aurora.equipment["FAN-01"].pk)
    assert client.patch(f"/api/v1/equipment/{fan}", {"process": made["id"]}).json()["process"] == made["id"]
    tree = client.get("/api/v1/organisation/tree").json()
    assert [(each["code"], each["parent"]) for each in tree["companies"]] == [("group", None), ("metals", group["id"])]
    assert {each["code"]: (each["company"], each["equipment_n"]) for each in tree["sites"]} == {
        "north": (metals["id"], 4),
        "north-mill": (None, 0),
    }
    assert [(each["site"], each["kind"], each["equipment_n"]) for each in tree["processes"]] == [
        (site, "ventilation", 1)
    ]


def test_tree_costs_the_same_however_large_it_is(aurora, django_assert_num_queries):
    with aurora.acting():
        for number in range(30):
            actions.add_process(site=aurora.sites["north"], code=f"p{number}", name="A process", kind="loading")
        with django_assert_num_queries(4):
            drawn = queries.branches()
    assert len(drawn[0].sites[0].shown_processes) == 30


def test_site_takes_currency_and_time_zone_of_its_organisation(aurora):
    client = aurora.client()
    made = client.post("/api/v1/sites", {"code": "pit", "name": "Pit", "kind": "mine"}).json()
    assert (made["currency"], made["units"], made["time_zone"]) == ("USD", "metric", "UTC")
    changed = client.patch(
        f"/api/v1/sites/{made['id']}", {"currency": "CNY", "units": "imperial", "time_zone": "Asia/Shanghai"}
    ).json()
    assert (changed["currency"], changed["units"], changed["time_zone"]) == ("CNY", "imperial", "Asia/Shanghai")
    assert made["display_units"] == {"mass": "t", "length": "m", "volume": "m3"}
    assert changed["display_units"] == {"mass": "[ston_av]", "length": "[ft_i]", "volume": "[cyd_i]"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"time_zone": "Mars/Base"}, "/time_zone"),
        ({"units": "cubits"}, "/units"),
        ({"currency": "dollars"}, "/currency"),
        ({"name": ""}, "/name"),
        ({"code": "two words"}, "/code"),
    ],
)
def test_bad_value_of_a_site_is_refused_with_its_place(aurora, change, pointer):
    answer = aurora.client().patch(f"/api/v1/sites/{aurora.sites['north'].pk}", change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_currency_that_is_no_code_is_refused(aurora):
    answer = aurora.client().patch(f"/api/v1/sites/{aurora.sites['north'].pk}", {"currency": "usd"})
    assert (answer.status_code, "three capital letters" in answer.json()["detail"]) == (422, True)


def test_kind_of_a_site_stays(aurora):
    site = aurora.sites["north"].pk
    assert aurora.client().patch(f"/api/v1/sites/{site}", {"kind": "logistics_centre"}).json()["kind"] == "mine"


def test_code_is_taken_once_in_words(aurora):
    client = aurora.client()
    company(client, "group")
    answer = client.post("/api/v1/companies", {"code": "group", "name": "Again"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "This company code is taken.")


def test_company_is_never_above_itself(aurora):
    client = aurora.client()
    first = company(client, "first")
    second = company(client, "second", parent=first["id"])
    third = company(client, "third", parent=second["id"])
    answer = client.patch(f"/api/v1/companies/{first['id']}", {"parent": third["id"]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/parent")
    assert client.patch(f"/api/v1/companies/{first['id']}", {"parent": first["id"]}).status_code == 422


def test_ring_is_refused_by_the_database_too(aurora):
    with aurora.acting():
        first = actions.add_company(code="first", name="First")
        second = actions.add_company(code="second", name="Second", parent=first)
    with pytest.raises(IntegrityError, match="can not be above itself"), aurora.acting():
        Company.objects.filter(pk=first.pk).update(parent=second)


def test_company_with_sites_is_not_removed(aurora):
    client = aurora.client()
    made = company(client, "group")
    site = f"/api/v1/sites/{aurora.sites['north'].pk}"
    client.patch(site, {"company": made["id"]})
    answer = client.delete(f"/api/v1/companies/{made['id']}")
    assert (answer.status_code, "move them first" in answer.json()["detail"]) == (409, True)
    client.patch(site, {"company": None})
    assert client.delete(f"/api/v1/companies/{made['id']}").status_code == 204
    assert client.get(f"/api/v1/companies/{made['id']}").status_code == 404


def test_equipment_belongs_to_a_process_of_its_own_site(aurora):
    with aurora.acting():
        elsewhere = actions.add_process(site=aurora.sites["north-mill"], code="mill", name="Mill", kind="milling")
    fan = aurora.equipment["FAN-01"]
    with pytest.raises(Invalid, match="another site"), aurora.acting():
        actions.change_equipment(equipment=fan, process=elsewhere)
    with pytest.raises(IntegrityError, match="process_of_its_site"), aurora.acting():
        Equipment.objects.filter(pk=fan.pk).update(process=elsewhere)


def test_equipment_that_moves_leaves_its_process(aurora):
    with aurora.acting():
        process = actions.add_process(site=aurora.sites["north"], code="vent", name="Air", kind="ventilation")
        fan = actions.change_equipment(
            equipment=Equipment.objects.get(pk=aurora.equipment["FAN-01"].pk), process=process
        )
        Equipment.objects.filter(pk=fan.pk).update(site=aurora.sites["north-mill"])
    with aurora.acting():
        fan.refresh_from_db()
        assert (fan.process_id, fan.site_id) == (None, aurora.sites["north-mill"].pk)


def test_foreign_company_is_refused_as_an_absent_one(aurora, cassia):
    theirs = company(cassia.client(), "pit")
    client = aurora.client()
    answers = [
        client.get(f"/api/v1/companies/{theirs['id']}"),
        client.patch(f"/api/v1/companies/{theirs['id']}", {"name": "Ours"}),
        client.patch(f"/api/v1/sites/{aurora.sites['north'].pk}", {"company": theirs["id"]}),
        client.post("/api/v1/companies", {"code": "x", "name": "X", "parent": theirs["id"]}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


def test_process_that_was_opened_is_seen_and_never_changed_by_a_partner(aurora, borealis):
    with aurora.acting():
        process = actions.add_process(site=aurora.sites["north"], code="vent", name="Air", kind="ventilation")
    share(aurora, borealis, *SITE_PERMISSIONS)
    client, url = borealis.client(), f"/api/v1/processes/{process.pk}"
    fan = {"site": str(aurora.sites["north"].pk), "code": "x", "name": "X", "kind": "fan", "process": str(process.pk)}
    answers = [
        client.get(url),
        client.patch(url, {"name": "Ours"}),
        client.delete(url),
        client.post("/api/v1/equipment", fan),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404]
    with aurora.acting():
        assert queries.processes().get().name == "Air"


def test_key_refuses_another_organisations_company(aurora, cassia):
    with cassia.acting():
        theirs = actions.add_company(code="pit", name="Pit")
    refused = pytest.raises(IntegrityError, match="tenants_site_company_id_wall")
    with refused, aurora.acting(), connection.cursor() as cursor:
        cursor.execute("UPDATE tenants_site SET company_id = %s WHERE id = %s", [theirs.pk, aurora.sites["north"].pk])


def test_viewer_sees_the_tree_and_changes_nothing(aurora):
    with aurora.acting("viewer"):
        assert queries.tree()["organisation"].pk == aurora.id
    client = aurora.client(["view_registry"])
    assert client.get("/api/v1/organisation/tree").status_code == 200
    assert client.post("/api/v1/companies", {"code": "x", "name": "X"}).status_code == 403
