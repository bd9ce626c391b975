"""Plans and instances as files over HTTP: out, in again, and every refusal at its cell. No worker runs."""

import csv
import io
import json
import time
import tracemalloc
import zipfile
from uuid import uuid4

import pytest
from openpyxl import load_workbook

from optimization import actions
from optimization.data import SolveOptions
from optimization.exchange.files import XLSX, ZIP
from optimization.exchange.parsers import BOUNDS
from optimization.instance_builder import build_instance
from optimization.models import PlanRun
from optimization.outcome import outcome_of
from optimization.solver import SOLVER, solve
from optimization.workbook import workbook_bytes
from optimization.workbook.csv_tables import instance_tables, zipped
from optimization.workbook.tables import RESULTS
from tests.integration.optimization import documents, grades

URL = "/api/v1/plans"


def book():
    return workbook_bytes(build_instance(documents.small()), SolveOptions(gap=0.02, seed=7))


def changed(change):
    made = load_workbook(io.BytesIO(book()))
    change(made)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def send(client, content, kind=XLSX, query="", **headers):
    return client.post(f"{URL}{query}", content, content_type=kind, **headers)


def send_form(client, content=None, **fields):
    return client.post(URL, {"workbook": io.BytesIO(content or book()), **fields}, format="multipart")


def tables():
    return instance_tables(build_instance(documents.small()), SolveOptions(gap=0.02, seed=7))


def packed(given):
    return zipped({name: text.encode() for name, text in given.items()})


def refused(aurora, answer):
    """The errors of a refusal, after a look that nothing was kept."""
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content
    with aurora.acting():
        assert not PlanRun.objects.exists()
    told: dict[str, str] = {}
    for error in answer.json()["errors"]:
        told[error["pointer"]] = f"{told.get(error['pointer'], '')} {error['message']}"
    return told


def solved(aurora):
    """A plan of `documents.small`, solved here as a worker would."""
    document = documents.small()
    with aurora.acting():
        run = actions.request_plan(name="May", instance=document, options={})
        actions.take_up(run_id=run.pk)
    instance = build_instance(document)
    outcome = outcome_of(instance, solve(instance, SolveOptions()))
    with aurora.acting():
        assert actions.finish(run_id=run.pk, attempt=1, outcome=outcome, solver=SOLVER)
    return f"{URL}/{run.pk}", outcome


# Out ----------------------------------------------------------------------------------------------------------------


def test_template_of_the_wanted_size_is_served(aurora):
    answer = aurora.client().get(f"{URL}/workbook-template?mines=3&periods=2", HTTP_ACCEPT=XLSX)
    assert (answer.status_code, answer["Content-Type"]) == (200, XLSX)
    assert answer["Content-Disposition"] == 'attachment; filename="plan-template.xlsx"'
    sheet = load_workbook(io.BytesIO(answer.content))["Mines"]
    assert [sheet.cell(row, 1).value for row in range(2, 6)] == ["mine 1", "mine 2", "mine 3", None]


def test_template_of_an_absurd_size_is_refused(aurora):
    client = aurora.client()
    for query in ("mines=0", "mines=many", "periods=1e9", "mines=200&locations=50&periods=100"):
        answer = client.get(f"{URL}/workbook-template?{query}", HTTP_ACCEPT=XLSX)
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_plan_comes_out_as_workbook_and_tables_and_its_instance_goes_in_again(aurora):
    client = aurora.client()
    where, outcome = solved(aurora)
    made = client.get(f"{where}/workbook")
    names = load_workbook(io.BytesIO(made.content), read_only=True).sheetnames
    assert set(RESULTS) < set(names) and "Demand" in names
    again = send(client, made.content)
    assert again.status_code == 202, again.content
    assert client.get(f"{again['Location']}/instance").json() == documents.small()
    flows = list(csv.DictReader(io.StringIO(client.get(f"{where}/plan.csv").content.decode("utf-8-sig"))))
    assert len(flows) == sum(len([row for row in rows if row[-1]]) for rows in outcome.plan.values())
    parts = zipfile.ZipFile(io.BytesIO(client.get(f"{where}/plan.zip").content))
    assert parts.namelist() == [f"{name}.csv" for name in RESULTS]
    total = list(csv.reader(io.StringIO(parts.read("Cost.csv").decode("utf-8-sig"))))[-1]
    assert total[0] == "Total" and float(total[1]) == pytest.approx(outcome.report["objective_usd"], abs=0.01)


def test_instance_goes_out_and_in_as_tables(aurora):
    client = aurora.client()
    first = client.post(URL, {"name": "May", "instance": documents.small(), "options": {"seed": 3}})
    made = client.get(f"{first['Location']}/instance.zip")
    assert (made.status_code, made["Content-Type"]) == (200, ZIP)
    again = send(client, made.content, ZIP)
    assert again.status_code == 202, again.content
    assert client.get(f"{again['Location']}/instance").json() == documents.small()
    assert again.json()["options"]["seed"] == 3
    beside = client.get(f"{first['Location']}/workbook").content
    assert "Cost" not in load_workbook(io.BytesIO(beside), read_only=True).sheetnames


def test_file_of_a_plan_that_is_not_there_yet_is_a_conflict_in_words(aurora):
    client = aurora.client()
    where = client.post(URL, {"name": "May", "instance": documents.small()})["Location"]
    for name in ("plan.csv", "plan.zip"):
        answer = client.get(f"{where}/{name}", HTTP_ACCEPT="text/csv")
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
        assert "queued" in answer.json()["detail"]


def test_outsider_finds_no_file_and_no_base(aurora, cassia):
    where, _ = solved(aurora)
    outsider = cassia.client()
    for name in ("workbook", "instance.zip", "plan.zip", "plan.csv"):
        foreign, absent = outsider.get(f"{where}/{name}"), outsider.get(f"{URL}/{uuid4()}/{name}")
        assert (foreign.status_code, foreign.content) == (404, absent.content)
    base = where.rpartition("/")[2]
    answer = send(outsider, packed({"Demand": tables()["Demand"]}), ZIP, f"?base={base}")
    assert list(refused(cassia, answer)) == ["/base"]


# In -----------------------------------------------------------------------------------------------------------------


def test_plan_is_asked_for_by_a_workbook(aurora):
    client = aurora.client()
    answer = send(client, book(), HTTP_IDEMPOTENCY_KEY="w1")
    body = answer.json()
    assert (answer.status_code, body["status"], body["name"]) == (202, "queued", documents.small()["name"])
    assert body["options"] == {"gap": 0.02, "time_limit_s": 60.0, "threads": 1, "seed": 7}
    assert client.get(f"{answer['Location']}/instance").json() == documents.small()
    again = send(client, book(), HTTP_IDEMPOTENCY_KEY="w1")
    assert (again.json()["id"], again["Idempotent-Replayed"]) == (body["id"], "true")


def test_plan_is_asked_for_by_a_form_with_its_name_and_grade_set(aurora):
    client = aurora.client()
    with aurora.acting():
        held = grades.fitted()
    assert send_form(client, name="June").json()["name"] == "June"
    document = documents.small()
    document["mines"][0]["locations"] = [dict(document["mines"][0]["locations"][0])]
    document["mines"][0]["locations"][0]["cutoffs"] = document["mines"][0]["locations"][0]["cutoffs"][:1]
    content = workbook_bytes(build_instance(document))
    answer = send_form(client, content, grade_set=str(held.pk))
    assert answer.status_code == 202, answer.content
    instance = client.get(f"{answer['Location']}/instance").json()
    gamma = instance["mines"][0]["locations"][0]["cutoffs"][0]["gamma"]
    assert gamma == held.document["sets"][0]["grades"][0]["gamma"]


def test_new_demand_table_replaces_that_of_a_base_plan(aurora):
    client = aurora.client()
    base = client.post(URL, {"name": "May", "instance": documents.small()}).json()["id"]
    lines = tables()["Demand"].splitlines()
    *names, value = lines[1].split(",")
    lines[1] = ",".join([*names, str(float(value) / 2)])
    answer = send(client, packed({"Demand": "\n".join(lines)}), ZIP, f"?base={base}")
    assert answer.status_code == 202, answer.content
    wanted = documents.small()
    wanted["demands"][0]["D"][0] /= 2
    assert client.get(f"{answer['Location']}/instance").json() == wanted


def put(sheet, cell, value):
    return lambda made: made[sheet].__setitem__(cell, value)


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        (put("Cut-offs", "F3", "abc"), "'Cut-offs'!F3", "give a number"),
        (put("Demand", "D2", "=1+1"), "Demand!D2", "holds a formula"),
        (put("Demand", "D2", -1), "Demand!D2", "below 0"),
        (put("Mill lanes", "A2", "nowhere"), "'Mill lanes'!A2", "which sheet 'Mines' does not have"),
        (put("Options", "B2", None), "Options!B2", "is empty"),
        (lambda made: made.remove(made["Demand"]), "Demand!", "is missing"),
        (lambda made: made.create_sheet("Wishes"), "Wishes!", "is not known"),
        (lambda made: made["Demand"].merge_cells("A3:B4"), "Demand!A3:B4", "are merged"),
    ],
)
def test_mistake_in_a_workbook_is_told_at_its_cell_and_nothing_is_kept(aurora, change, pointer, words):
    errors = refused(aurora, send(aurora.client(), changed(change)))
    assert words in errors[pointer], errors


def test_time_limit_above_what_is_allowed_here_is_refused(aurora):
    assert "/options/time_limit_s" in refused(aurora, send(aurora.client(), changed(put("Options", "C2", 80_000))))


@pytest.mark.parametrize(
    ("sheet", "text", "pointer"),
    [
        ("Demand", lambda text: text.replace("mine 1", "nowhere", 1), "Demand!A2"),
        ("Demand", lambda text: text.replace(text.splitlines()[1].split(",")[-1], "x", 1), "Demand!D2"),
        ("Demand", lambda text: "a,b\n1,2\n", "Demand!A1"),
        ("Demand", lambda text: '"' + "x" * 200_000, "Demand!"),
        ("Demand", lambda text: "", "Demand!A1"),
        ("Mines", lambda text: text.replace("mine 1", "=cmd()", 1), "'Mines by period'!A2"),
    ],
)
def test_mistake_in_a_table_is_told_at_its_cell_and_nothing_is_kept(aurora, sheet, text, pointer):
    given = tables()
    given[sheet] = text(given[sheet])
    assert pointer in refused(aurora, send(aurora.client(), packed(given), ZIP))


def test_table_with_semicolons_is_read(aurora):
    given = {name: text.replace(",", ";") for name, text in tables().items()}
    assert send(aurora.client(), packed(given), ZIP).status_code == 202


def parts_of(**more):
    whole = zipfile.ZipFile(io.BytesIO(book()))
    parts = {name: whole.read(name) for name in whole.namelist()} | more
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return made.getvalue()


def sheet_of(inner):
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return {"xl/worksheets/sheet2.xml": head + inner + b"</sheetData></worksheet>"}


BOMBS = {
    "unpacks to": lambda: parts_of(**{"xl/worksheets/sheet2.xml": b" " * 60_000_000}),
    "has more in it": lambda: parts_of(**sheet_of(b"<row>" + b"<c/>" * (3 * BOUNDS.cells + 1) + b"</row>")),
    "has more in it than": lambda: parts_of(**{"xl/styles.xml": b"<styleSheet>" + b"<xf/>" * (3 * BOUNDS.cells)}),
    "holds macros": lambda: parts_of(**{"xl/vbaProject.bin": b"x"}),
    "links to other": lambda: parts_of(**{"xl/externalLinks/externalLink1.xml": b"<x/>"}),
    "entities": lambda: parts_of(**{"xl/worksheets/sheet2.xml": b'<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>'}),
    "above 20,000,000": lambda: b"PK" + b"\0" * 200_000_000,
    "is not an Excel workbook": lambda: b"mine,cost\n1,2\n",
}


@pytest.mark.parametrize("words", BOMBS)
def test_hostile_file_is_refused_in_words_before_memory_goes(aurora, words):
    content, client = BOMBS[words](), aurora.client()
    tracemalloc.start()
    try:
        begun = time.process_time()
        errors = refused(aurora, send(client, content))
        cpu_s, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert words in errors["/workbook"]
    assert cpu_s < 5 and peak < 3 * len(content) + 60_000_000


def test_linked_and_merged_ranges_of_millions_of_cells_cost_nothing(aurora):
    whole = zipfile.ZipFile(io.BytesIO(changed(lambda made: made["Demand"].merge_cells("F1:F2"))))
    link = b'</mergeCells><hyperlinks><hyperlink ref="A1:XFD1048576" location="x"/></hyperlinks>'
    parts = {}
    for name in whole.namelist():
        parts[name] = whole.read(name).replace(b"</mergeCells>", link).replace(b'"F1:F2"', b'"F1:XFD1048576"')
    begun = time.process_time()
    errors = refused(aurora, send(aurora.client(), parts_of(**parts)))
    assert "are merged" in errors["Demand!F1:XFD1048576"] and time.process_time() - begun < 5


BAD_ZIPS = [
    ({"Wishes.csv": b"a"}, "give each table once"),
    ({"Demand.csv": b"\xff"}, "is not UTF-8"),
    ({"Demand.csv": b"," * (BOUNDS.cells + 1)}, "more than"),
    ({"Demand.csv": b" " * 20_000_000}, "unpacks to"),
    ({f"{k}.csv": b"" for k in range(400)}, "unpacks to"),
]


def test_hostile_zip_of_tables_is_refused_in_words(aurora):
    client = aurora.client()
    for parts, words in BAD_ZIPS:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        assert words in refused(aurora, send(client, made.getvalue(), ZIP))["/workbook"]


def test_unusable_body_is_a_problem_and_never_an_error_of_ours(aurora):
    client = aurora.client()
    for content in (b"", b"PK", b"\0" * 100, b"{}"):
        for kind in (XLSX, ZIP, "multipart/form-data; boundary=x", "multipart/form-data", "text/plain"):
            answer = send(client, content, kind)
            assert answer.status_code in (400, 415, 422), (content, kind)
            assert answer["Content-Type"] == "application/problem+json", (content, kind)


def test_form_without_a_workbook_or_with_many_files_is_refused(aurora):
    client = aurora.client()
    assert "/workbook" in refused(aurora, client.post(URL, {"name": "May"}, format="multipart"))
    body = "".join(f'--x\r\nContent-Disposition: form-data; name="f{k}"; filename="f"\r\n\r\na\r\n' for k in range(200))
    answer = send(client, body.encode() + b"--x--\r\n", "multipart/form-data; boundary=x")
    assert answer.status_code in (400, 422) and answer["Content-Type"] == "application/problem+json"


def test_viewer_fetches_files_and_sends_none(aurora):
    where, _ = solved(aurora)
    viewer = aurora.client(["view_plans"])
    assert viewer.get(f"{where}/workbook").status_code == 200
    assert send(viewer, book()).status_code == 403
    assert json.loads(send(viewer, b"spoiled").content)["status"] == 403
