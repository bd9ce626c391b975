"""People and stock over HTTP: what works, and how each refusal is worded."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.tenants.resource_scenes import TODAY, TOMORROW, crew, in_days

API = "/api/v1"


def booking(people, owner, **changed):
    return {
        "person": str(people.jane.pk),
        "site": str(owner.sites["north"].pk),
        "begins_at": TOMORROW.isoformat(),
        "ends_at": (TOMORROW + timedelta(hours=8)).isoformat(),
        "purpose": "blast 14",
    } | changed


def sent(client, table, text, query=""):
    return client.generic("POST", f"{API}/{table}.csv{query}", text.encode(), content_type="text/csv")


def cells(client, table):
    answer = client.get(f"{API}/{table}.csv")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def places_of(answer):
    return {error["pointer"]: error["message"] for error in answer.json()["errors"]}


def test_person_is_registered_assessed_certified_and_read_with_it_all(aurora):
    client, north = aurora.client(), str(aurora.sites["north"].pk)
    made = client.post(f"{API}/persons", {"code": "P-9", "name": "Mei Lin", "home_site": north})
    assert made.status_code == 201
    person, skill = made.json()["id"], client.post(f"{API}/skills", {"code": "loading", "name": "Loading"}).json()["id"]
    assess = {"skill": skill, "level": 4, "assessed_on": str(TODAY), "assessor": "Inspector"}
    assert client.post(f"{API}/persons/{person}/assess", assess).json()["skills"][0]["level"] == 4
    paper = {"kind": "first-aid", "number": "7", "issuer": "Red Cross", "issued_on": str(TODAY)}
    assert client.post(f"{API}/persons/{person}/certificates", paper).status_code == 201
    assert client.post(f"{API}/persons/{person}/certificates", paper).status_code == 409
    course = {"course": "Evacuation", "completed_on": str(TODAY), "expires_on": str(in_days(-1))}
    assert places_of(client.post(f"{API}/persons/{person}/trainings", course))["/expires_on"].endswith("or later")
    shown = client.patch(f"{API}/persons/{person}", {"left_on": str(in_days(90))}).json()
    assert (shown["home_site"], shown["left_on"], shown["certificates"][0]["kind"]) == (
        *(north, str(in_days(90))),
        "first-aid",
    )
    assert client.post(f"{API}/persons", {"code": "P-9", "name": "Other"}).status_code == 409


def test_booking_conflict_is_told_in_words_and_cancelling_frees_the_window(aurora):
    people, client = crew(aurora), aurora.client()
    first = client.post(f"{API}/bookings", booking(people, aurora)).json()
    again = client.post(f"{API}/bookings", booking(people, aurora))
    assert again.status_code == 409 and first["id"] in again.json()["detail"]
    assert client.post(f"{API}/bookings/{first['id']}/cancel", {"reason": "rain"}).json()["cancelled_at"]
    assert client.post(f"{API}/bookings", booking(people, aurora)).status_code == 201
    span = {"from_at": TOMORROW.isoformat(), "to_at": (TOMORROW + timedelta(hours=1)).isoformat()}
    assert len(client.get(f"{API}/bookings", span | {"person": str(people.jane.pk)}).json()["results"]) == 1
    assert len(client.get(f"{API}/bookings", {"cancelled": True}).json()["results"]) == 2
    assert client.get(f"{API}/bookings", {"person": str(people.omar.pk)}).json()["results"] == []
    assert client.get(f"{API}/bookings", {"from_at": span["to_at"], "to_at": span["from_at"]}).status_code == 422


@pytest.mark.parametrize(
    "change", [{"equipment": str(uuid4())}, {"person": None}, {"ends_at": "soon"}, {"purpose": ""}, {"site": "north"}]
)
def test_booking_that_says_too_much_or_too_little_is_refused(aurora, change):
    assert aurora.client().post(f"{API}/bookings", booking(crew(aurora), aurora, **change)).status_code == 422


def test_move_sent_twice_with_one_key_is_made_once(aurora):
    people, client = crew(aurora), aurora.client()
    move = {"kind": "issue", "site": str(aurora.sites["north"].pk), "material": str(people.anfo.pk), "quantity": "60"}
    answers = [client.post(f"{API}/stock-moves", move, headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json() and answers[0].json()["balance"] == "40.000"
    short = client.post(f"{API}/stock-moves", move)
    assert short.status_code == 409 and "There are 40 kg" in short.json()["detail"]
    pair = {"from_site": move["site"], "to_site": str(aurora.sites["north-mill"].pk), "material": move["material"]}
    out, into = client.post(f"{API}/stock-transfers", pair | {"quantity": "15.5"}).json()
    assert out["transfer"] == into["transfer"] and into["balance"] == "15.500"
    assert client.get(f"{API}/stock-check").json() == {"faults": []}
    levels = client.get(f"{API}/stock-levels", {"site": pair["to_site"]}).json()["results"]
    assert [(row["code"], row["quantity"], row["unit"]) for row in levels] == [("ANFO", "15.500", "kg")]


def test_matrix_and_expiries_say_who_is_missing_and_whose_papers_run_out(aurora):
    people, client = crew(aurora, expires_on=in_days(20)), aurora.client()
    need = {"site": str(aurora.sites["north"].pk), "skill": str(people.blasting.pk), "level": 3, "n_people": 3}
    made = client.post(f"{API}/site-requirements", need | {"certificates": ["shotfirer"]}).json()
    (cell,) = client.get(f"{API}/skills-matrix").json()["cells"]
    assert (cell["needed"], cell["have"], cell["gap"]) == (3, 1, 2)
    assert cell["people"] == [{"code": "P-1", "level": 3}]
    found = client.get(f"{API}/certificate-expiries").json()["certificates"]
    assert [(row["code"], row["band"]) for row in found] == [("P-1", "within_30")]
    assert client.get(f"{API}/certificate-expiries", {"within_days": 10}).json()["certificates"] == []
    renewed = {"kind": "shotfirer", "number": "SF-8", "issuer": "x", "issued_on": str(TODAY)}
    client.post(f"{API}/persons/{people.jane.pk}/certificates", renewed)
    assert client.get(f"{API}/certificate-expiries").json()["certificates"] == []
    assert client.delete(f"{API}/site-requirements/{made['id']}").status_code == 204
    assert client.get(f"{API}/skills-matrix", {"site": need["site"]}).json()["cells"][0]["needed"] == 0


def test_foreign_and_absent_objects_answer_alike(aurora, cassia):
    people, outsider = crew(aurora), cassia.client()
    for path in ("persons/{}", "bookings/{}"):
        foreign, absent = (
            outsider.get(f"{API}/{path.format(people.jane.pk)}"),
            outsider.get(f"{API}/{path.format(uuid4())}"),
        )
        assert foreign.status_code == 404 and foreign.content == absent.content
    theirs = {"kind": "receipt", "site": str(aurora.sites["north"].pk), "material": str(people.anfo.pk), "quantity": 1}
    assert outsider.post(f"{API}/stock-moves", theirs).status_code == 404


# Tables --------------------------------------------------------------------------------------------------------------


def test_tables_go_out_and_come_in_again_without_effect(aurora):
    crew(aurora)
    client = aurora.client()
    for table in ("persons", "certificates", "stock"):
        text = client.get(f"{API}/{table}.csv").content.decode("utf-8-sig")
        taken = sent(client, table, text)
        assert taken.status_code == 200, taken.content
        assert taken.json() == {"added": 0, "changed": 0, "same": len(text.splitlines()) - 1}
        assert client.get(f"{API}/{table}.csv").content.decode("utf-8-sig") == text


def test_table_of_people_adds_changes_and_moves_them(aurora):
    crew(aurora)
    client = aurora.client()
    text = "code;name;home_site;skills\nP-1;Jane Roe;north-mill;blasting=4\nP-3;-Ann;;\nP-2;Omar Ali;north;\n"
    assert sent(client, "persons", text).json() == {"added": 1, "changed": 1, "same": 1}
    rows = {row["code"]: row for row in cells(client, "persons")}
    assert (rows["P-1"]["name"], rows["P-1"]["home_site"]) == ("Jane Roe", "north-mill")
    assert (rows["P-1"]["skills"], rows["P-1"]["email"]) == ("blasting=4", "jane@example.com")
    assert rows["P-3"]["name"] == "'-Ann"  # as no spreadsheet would run it
    assert len(client.get(f"{API}/relocations").json()["results"]) == 1


def test_bad_cells_are_told_by_row_and_column_and_nothing_is_kept(aurora):
    crew(aurora)
    client = aurora.client()
    text = (
        "code,name,email,home_site,left_on,skills\n"
        "P-7,Good,,,,\n"
        "P 8,,nobody,south,31/12/2026,blasting=9\n"
        "P-9,Nine,,,,digging=2\n"
    )
    answer = sent(client, "persons", text)
    assert answer.status_code == 422
    places = places_of(answer)
    columns = {"code", "name", "email", "home_site", "left_on", "skills"}
    assert set(places) == {f"/rows/3/{column}" for column in columns} | {"/rows/4/skills"}
    assert places["/rows/3/left_on"] == "write the day as 2026-12-31"
    assert "P-7" not in {row["code"] for row in cells(client, "persons")}


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/csv"),
        ("code,name,code\nx,y,z\n", "/rows/1"),
        ("code\nP-7\n", "/rows/1"),
        ("code,name,salary\nP-7,x,1\n", "/rows/1"),
        ("code,name\nP-7,x,1\n", "/rows/2"),
        ('code,name\nP-7,"x\n', "/csv"),
        ("code,name\n" + "\n".join(f"P-{n},x" for n in range(1001)), "/csv"),
        ("code,name\nP-7,a\x01b\n", "/rows/2/name"),
        ("code,name\nP-7,a\nP-7,=b\nP-7,a\nP-1,\n", "/rows/5/name"),
    ],
)
def test_table_that_can_not_be_read_is_refused_with_its_place(aurora, text, pointer):
    answer = sent(aurora.client(), "persons", text)
    assert answer.status_code == 422 and pointer in places_of(answer)


def test_stock_count_adjusts_what_differs_and_adds_new_materials(aurora):
    crew(aurora)
    client = aurora.client()
    text = "site,material,name,unit,quantity\nnorth,ANFO,,,90.5\nnorth-mill,BOLT,Bolts,{piece},12\n"
    taken = sent(client, "stock", text, "?reason=count%20of%20May")
    assert taken.json() == {"added": 1, "changed": 1, "same": 0}
    assert {row["material"]: row["quantity"] for row in cells(client, "stock")} == {"ANFO": "90.500", "BOLT": "12.000"}
    newest = client.get(f"{API}/stock-moves").json()["results"]
    assert [(row["kind"], row["reason"]) for row in newest[:2]] == [("adjustment", "count of May")] * 2
    bad = sent(client, "stock", "site,material,quantity\nnorth,NEW,1\nnorth,ANFO,-1\nnorth,ANFO,1.23456\n")
    assert {"/rows/2/unit", "/rows/3/quantity"} <= set(places_of(bad))


def test_certificate_that_contradicts_the_one_held_is_refused(aurora):
    crew(aurora)
    client = aurora.client()
    head = "person,kind,number,issuer,issued_on,expires_on\n"
    assert sent(client, "certificates", f"{head}P-2,gas-test,1,x,2026-01-01,\n").json()["added"] == 1
    places = places_of(sent(client, "certificates", f"{head}P-2,gas-test,1,y,2026-01-01,\nP-0,a,1,x,2026-01-01,\n"))
    assert set(places) == {"/rows/2/number", "/rows/3/person"}
    order = places_of(sent(client, "certificates", f"{head}P-2,gas-test,2,x,2026-01-02,2026-01-01\n"))
    assert order == {"/rows/2/expires_on": "It would expire before it begins."}


def test_body_that_is_not_text_or_not_an_object_is_refused(aurora):
    client = aurora.client()
    answer = client.generic("POST", f"{API}/persons.csv", b"\xff\xfe", content_type="text/csv")
    assert answer.status_code == 400 and "UTF-8" in answer.json()["detail"]
    for body in (b"[]", b'"x"', b"{}"):
        for table in ("persons", "stock"):
            answer = client.generic("POST", f"{API}/{table}.csv", body, content_type="application/json")
            assert answer.status_code == 422
