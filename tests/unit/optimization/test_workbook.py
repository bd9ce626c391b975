"""The planner's workbook: out and in without loss, and every mistake told at its cell."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from optimization.__main__ import main
from optimization.data import InstanceError, SolveOptions, SupplyChainInstance
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import solve
from optimization.workbook import read_instance, template_bytes, workbook_bytes
from optimization.workbook.csv_tables import instance_zip, read_tables, read_zip
from optimization.workbook.file_check import Bounds
from optimization.workbook.plan import plan_bytes
from optimization.workbook.tables import TABLES
from tests.unit.optimization import tiny

FILES = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GRADE_ROW = {
    "name": "A and B move together",
    "mine": "Aurora North",
    "limit": [-0.57, -0.29],
    "terms": [{"location": "A", "cutoff": "0.5", "value": -1}, {"location": "B", "cutoff": "0.2", "value": -0.5}],
}


def come_back(tmp_path: Path, instance: SupplyChainInstance, options: SolveOptions | None = None) -> Any:
    path = tmp_path / "w.xlsx"
    path.write_bytes(workbook_bytes(instance, options))
    return read_instance(path)


@FILES
@given(sizes=st.tuples(*[st.integers(1, 3)] * 6), seed=st.integers(0, 10_000))
def test_generated_instance_comes_back_identical(tmp_path: Path, sizes: tuple[int, ...], seed: int) -> None:
    instance = generate(*sizes, seed=seed)  # type: ignore[call-arg, arg-type]
    assert come_back(tmp_path, instance)[0] == instance


@pytest.mark.parametrize("name", ["mine", "=1+1", "'=", "@", " padded ", "a;b,c", "'quoted'", "-7", "Grube Süd", '"'])
def test_instance_comes_back_identical_from_its_tables(name: str) -> None:
    text = generate(2, 2, 1, 2, 2, 2, seed=5).to_json().replace("mine 1", json.dumps(name)[1:-1])
    instance, options = build_instance(json.loads(text)), SolveOptions(gap=0.02, seed=7)
    packed = io.BytesIO(instance_zip(instance, options))
    assert read_tables(read_zip(packed, "tables")) == (instance, options)


@FILES
@given(
    cost=st.floats(0, 1e5, allow_subnormal=False),
    grade=st.integers(0, 10**12).map(lambda n: n / 10**12),
    name=st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=20).filter(str.strip),
)
def test_any_cost_grade_and_name_come_back_identical(tmp_path: Path, cost: float, grade: float, name: str) -> None:
    document = tiny.document(pc=cost, alpha=grade)
    document["users"][0] = document["user_lanes"][0]["user"] = document["demands"][0]["user"] = name
    instance = build_instance(document)
    assert come_back(tmp_path, instance)[0] == instance


@pytest.mark.parametrize(
    "uncertainty",
    [
        {"kind": "nominal"},
        {"kind": "box"},
        {"kind": "budget", "Gamma": 1.5},
        {"kind": "paper", "Pi": -10, "pi": -3},
        {"kind": "polyhedron", "rows": [GRADE_ROW]},
        {"kind": "polyhedron", "rows": [GRADE_ROW, GRADE_ROW], "base": {"kind": "budget", "Gamma": 1}},
    ],
)
def test_every_uncertainty_set_comes_back_identical(tmp_path: Path, uncertainty: dict[str, Any]) -> None:
    instance = tiny.instance(uncertainty)
    assert come_back(tmp_path, instance)[0] == instance


def test_further_elements_and_options_come_back_identical(tmp_path: Path) -> None:
    document = tiny.document(elements=[{"name": "gold", "least": 0.0007}, {"name": "arsenic", "most": 0.29}])
    for location in document["mines"][0]["locations"]:
        grades = [{"element": "gold", "gamma": 0.001, "delta": 0.0001}, {"element": "arsenic", "gamma": [0.01, 0.02]}]
        location["cutoffs"][0]["grades"] = grades
    instance, options = build_instance(document), SolveOptions(0.057, 12.5, 2, 7)
    assert come_back(tmp_path, instance, options) == (instance, options)


def test_sheets_have_units_frozen_headers_choices_and_a_read_me() -> None:
    book = load_workbook(io.BytesIO(workbook_bytes(tiny.instance())))
    assert book.sheetnames == ["Read me", *(table.sheet for table in TABLES)]
    assert all(sheet.freeze_panes == "A2" for sheet in book)
    assert [cell.value for cell in book["Cut-offs"][1]][4:7] == [
        "Ore available xmax (t ore)",
        "Nominal grade γ (%)",
        "Largest fall of the grade δ (%)",
    ]
    assert book["Cut-offs"]["F2"].value == 60
    kinds = [rule.formula1 for rule in book["Uncertainty"].data_validations.dataValidation if rule.type == "list"]
    assert '"nominal,box,budget,paper,polyhedron"' in kinds


def edited(tmp_path: Path, change: Callable[[Any], object], instance: SupplyChainInstance | None = None) -> Path:
    book = load_workbook(io.BytesIO(workbook_bytes(instance or tiny.instance())))
    change(book)
    path = tmp_path / "edited.xlsx"
    book.save(path)
    return path


def put(sheet: str, cell: str, value: object) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


def show_as_percentage(book: Any) -> None:
    book["Cut-offs"]["F3"], book["Cut-offs"]["F3"].number_format = 0.6, "0.00%"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put("Cut-offs", "F3", "abc"), "Sheet 'Cut-offs', cell F3: is 'abc', give a number (Nominal grade γ (%))"),
        (put("Cut-offs", "F3", None), "Sheet 'Cut-offs', cell F3: is empty, give a number"),
        (put("Cut-offs", "F3", "=1+1"), "Sheet 'Cut-offs', cell F3: holds a formula"),
        (put("Cut-offs", "F3", True), "Sheet 'Cut-offs', cell F3: is True, give a number"),
        (show_as_percentage, "Sheet 'Cut-offs', cell F3: is formatted as a percentage"),
        (put("Cut-offs", "F3", 160), "Sheet 'Cut-offs', cell F3: is 160, above 100"),
        (put("Cut-offs", "G3", 61), "Sheet 'Cut-offs', cell G3: is 61, above the 60 of Sheet 'Cut-offs', cell F3"),
        (put("Mines", "B2", -1), "Sheet 'Mines', cell B2: is -1, below 0"),
        (put("Mines", "E2", 0), "Sheet 'Mines', cell E2: is 0"),
        (put("Mines", "B2", "1.000"), "Sheet 'Mines', cell B2: is '1.000', give a number"),
        (put("Mines", "B2", "#DIV/0!"), "Sheet 'Mines', cell B2: is '#DIV/0!'"),
        (put("Mines", "B1", "cost"), "Sheet 'Mines', cell B1: is 'cost': must be 'Processing cost pc ($/t ore)'"),
        (put("Mines", "H5", "note"), "Sheet 'Mines', cell H5: is beyond the table's 6 columns"),
        (put("Mill lanes", "A2", "Aurora Nord"), "Sheet 'Mill lanes', cell A2: is 'Aurora Nord', which sheet 'Mines'"),
        (put("Cut-offs", "C3", "0.6"), "Sheet 'Cut-offs', cell A3: is of 'Aurora North', 'A', '0.6', which sheet"),
        (put("Cut-offs", "D3", "week 1"), "Sheet 'Cut-offs', cell A3: repeats row 2"),
        (put("Cut-offs", "D3", "week 1"), "Sheet 'Locations', cell A2: has no row in sheet 'Cut-offs' for 'week 2'"),
        (put("Uncertainty", "A2", "cone"), "Sheet 'Uncertainty', cell A2: is 'cone', give one of nominal, box"),
        (put("Uncertainty", "A2", "budget"), "Sheet 'Uncertainty', cell A2: needs rows in sheet 'Budget'"),
        (put("Uncertainty", "A2", "paper"), "Sheet 'Uncertainty', cell B2: kind 'paper' needs this"),
        (put("Options", "D2", 1.5), "Sheet 'Options', cell D2: is 1.5, give a whole number"),
        (put("Users", "A3", " "), "Sheet 'Users', cell A3"),
        (lambda book: book["Mines"].merge_cells("B2:C2"), "Sheet 'Mines', cells B2:C2: are merged"),
        (lambda book: book.remove(book["Demand"]), "Sheet 'Demand': is missing"),
        (lambda book: book.create_sheet("Scratch"), "Sheet 'Scratch': is not known"),
        (put("Mines", "A100001", "far down"), "Sheet 'Mines': reaches down to row 100001"),
    ],
)
def test_mistake_is_told_at_its_cell(tmp_path: Path, change: Callable[[Any], object], told: str) -> None:
    with pytest.raises(InstanceError) as refused:
        read_instance(edited(tmp_path, change))
    lines = [f"{problem.path}: {problem.message}" for problem in refused.value.problems]
    assert any(line.startswith(told) for line in lines), lines


def test_mistakes_on_several_sheets_are_told_together(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        book["Mines"]["B2"], book["Cut-offs"]["F2"], book["Demand"]["B2"] = "x", "y", "Nobody"

    with pytest.raises(InstanceError) as refused:
        read_instance(edited(tmp_path, change))
    places = {problem.path for problem in refused.value.problems}
    assert {"Sheet 'Mines', cell B2", "Sheet 'Cut-offs', cell F2", "Sheet 'Demand', cell B2"} <= places


def test_what_only_the_whole_instance_shows_is_told_at_the_cell_behind_it(tmp_path: Path) -> None:
    """No lane leads from the mine to the user: the builder's words at the demand's row."""

    def change(book: Any) -> None:
        book["Centres"].append(["Rail", "week 1", 5])
        book["Centres"].append(["Rail", "week 2", 5])
        for sheet, cells in (("User lanes", ["A2"]), ("User lanes by period", ["A2", "A3"])):
            for cell in cells:
                book[sheet][cell] = "Rail"

    with pytest.raises(InstanceError) as refused:
        read_instance(edited(tmp_path, change))
    assert refused.value.path == "Sheet 'Demand', cell A2"
    assert "no centre links" in refused.value.message


def test_template_has_names_and_asks_for_every_number(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(template_bytes(generate(1, 1, 1, 1, 1, 1, seed=0)))
    with pytest.raises(InstanceError) as refused:
        read_instance(path)
    assert {p.message.split(",")[0] for p in refused.value.problems} == {"is empty"}
    numbers = sum(not c.optional and c.kind.name == "NUMBER" for t in TABLES if not t.is_optional for c in t.columns)
    assert len(refused.value.problems) == numbers - 4 + 1  # the four options are given, the budget is asked for


def zipped(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path


BOOK = {"xl/workbook.xml": b"<workbook/>"}
ENTITY = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"a.txt": b"hello"}, "is not an Excel workbook"),
        (BOOK, "is a damaged workbook"),
        ({**BOOK, "xl/vbaProject.bin": b"x"}, "holds macros"),
        ({**BOOK, "xl/externalLinks/externalLink1.xml": b"<x/>"}, "links to other workbooks"),
        ({**BOOK, "xl/worksheets/sheet1.xml": b"0" * (Bounds().unpacked_bytes + 1)}, "too large, use JSON"),
        ({**BOOK, "xl/worksheets/sheet1.xml": ENTITY}, "declares XML entities"),
        ({**BOOK, **{f"xl/{k}.bin": b"" for k in range(400)}}, "too large, use JSON"),
        ({**BOOK, "xl/worksheets/sheet1.xml": b"<c/>" * (3 * Bounds().cells + 1)}, "too large to read"),
        ({**BOOK, "xl/worksheets/sheet1.xml": b"<x:row\n/>" * (3 * Bounds().cells + 1)}, "too large to read"),
    ],
)
def test_file_that_is_no_plain_workbook_is_refused_in_words(
    tmp_path: Path, parts: dict[str, bytes], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = zipped(tmp_path / "w.xlsx", parts)
    assert main(["workbook", "to-instance", str(path), "--output", str(tmp_path / "i.json")]) == 4
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told
    assert not (tmp_path / "i.json").exists()


def test_part_that_is_shown_as_several_sheets_is_refused(tmp_path: Path) -> None:
    whole = zipfile.ZipFile(io.BytesIO(workbook_bytes(tiny.instance())))
    parts = {name: whole.read(name) for name in whole.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b'r:id="rId3"', b'r:id="rId2"')
    with pytest.raises(ValueError, match="sheets share one part"):
        read_instance(zipped(tmp_path / "w.xlsx", parts))


@pytest.mark.parametrize("content", [b"", b"mine,cost\n1,2\n", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0 an old .xls"])
def test_file_that_is_not_even_a_zip_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.xlsx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not an Excel workbook"):
        read_instance(path)


@settings(FILES, max_examples=40)
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255))
def test_workbook_with_a_spoiled_byte_is_read_or_refused_in_words(tmp_path: Path, at: int, byte: int) -> None:
    content = bytearray(workbook_bytes(tiny.instance()))
    content[at % len(content)] = byte
    path = tmp_path / "spoiled.xlsx"
    path.write_bytes(content)
    try:
        read_instance(path)
    except ValueError as error:  # InstanceError is one
        assert str(error)


def solved() -> tuple[SupplyChainInstance, Any]:
    instance = generate(2, 1, 2, 2, 2, 2, seed=3)
    plan = solve(instance, SolveOptions(gap=0.01, time_limit_s=30)).plan
    assert plan is not None
    return instance, plan


def column(book: Workbook, sheet: str) -> dict[str, float]:
    return dict(list(book[sheet].iter_rows(min_row=2, max_col=2, values_only=True)))  # type: ignore[arg-type]


def test_plan_workbook_sums_to_the_objective_to_the_cent_and_shows_every_open_location() -> None:
    instance, options = generate(2, 1, 2, 2, 2, 2, seed=3), SolveOptions(gap=0.01, time_limit_s=30)
    result = solve(instance, options)
    assert result.plan is not None and result.report.objective_usd is not None
    book = load_workbook(io.BytesIO(plan_bytes(instance, result.plan, ".xlsx")))
    for sheet in ("Cost", "Cost by mine", "Cost by period"):
        parts = column(book, sheet)
        total = parts.pop("Total")
        assert round(total * 100) == sum(round(usd * 100) for usd in parts.values())
        assert total == pytest.approx(result.report.objective_usd, abs=0.01)
    calendar = [c for row in book["Cut-off calendar"].iter_rows(min_row=2, min_col=3, values_only=True) for c in row]
    assert sum(c is not None for c in calendar) == sum(round(d) for d in result.plan.d.values()) > 0
    delivered = [row[5] for row in book["Flows"].iter_rows(values_only=True) if row[0] == "centre to user"]
    assert sum(delivered) == pytest.approx(sum(result.plan.z.values()))
    stocks = [row[4] for row in book["Stocks"].iter_rows(min_row=2, values_only=True)]
    assert sum(stocks) == pytest.approx(sum(result.plan.u.values()) + sum(result.plan.w.values()))


def test_csv_and_json_of_a_plan_hold_the_same_flows() -> None:
    instance, plan = solved()
    rows = list(csv.DictReader(io.StringIO(plan_bytes(instance, plan, ".csv").decode("utf-8-sig"))))
    flows = json.loads(plan_bytes(instance, plan, ".json"))["flows"]
    named = ({k: str(v) for k, v in flow.items()} for flow in flows)
    assert [{k: v for k, v in row.items() if v} for row in rows] == list(named)
    assert sum(flow["value"] for flow in flows if flow["variable"] == "z") == pytest.approx(sum(plan.z.values()))


def test_name_that_a_spreadsheet_would_run_stays_text() -> None:
    document = tiny.document()
    document["mines"][0]["name"] = document["mill_lanes"][0]["mine"] = document["demands"][0]["mine"] = "=1+1"
    instance = build_instance(document)
    assert load_workbook(io.BytesIO(workbook_bytes(instance)))["Mines"]["A2"].data_type == "s"
    plan = solve(instance, SolveOptions(gap=0)).plan
    assert plan is not None
    rows = csv.DictReader(io.StringIO(plan_bytes(instance, plan, ".csv").decode("utf-8-sig")))
    assert {row["mine"] for row in rows} == {"'=1+1"}


def test_command_line_goes_from_instance_to_workbook_to_instance_to_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, book, plan, out = (tmp_path / name for name in ("1.json", "2.json", "w.xlsx", "p.json", "p.xlsx"))
    one.write_text(json.dumps(tiny.document()), encoding="utf-8")
    for arguments in (
        ["workbook", "from-instance", one, "--output", book],
        ["workbook", "to-instance", book, "--output", two],
        ["solve", two, "--gap", "0", "--output", plan],
        ["workbook", "plan", two, plan, "--output", out],
        ["workbook", "template", "--mines", "3", "--output", tmp_path / "t.xlsx"],
    ):
        assert main([str(word) for word in arguments]) == 0, capsys.readouterr().err
    assert column(load_workbook(out), "Cost")["Total"] == 319.67
    assert len(list(load_workbook(tmp_path / "t.xlsx")["Mines"].rows)) == 4
    assert "solve" in capsys.readouterr().err


def test_command_line_refuses_other_endings_and_a_spoiled_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    instance, plan = tmp_path / "i.json", tmp_path / "p.json"
    instance.write_text(json.dumps(tiny.document()), encoding="utf-8")
    assert main(["workbook", "from-instance", str(instance), "--output", str(tmp_path / "w.xlsm")]) == 4
    assert "must end in .xlsx" in capsys.readouterr().err
    assert main(["solve", str(instance), "--gap", "0", "--output", str(plan)]) == 0
    document = json.loads(plan.read_text(encoding="utf-8"))
    document["report"]["objective_usd"] += 1
    plan.write_text(json.dumps(document), encoding="utf-8")
    assert main(["workbook", "plan", str(instance), str(plan), "--output", str(tmp_path / "p.csv")]) == 1
    assert "(1) cost" in capsys.readouterr().err
    plan.write_text(json.dumps({name: [] for name in "xdyuvpwzq"}), encoding="utf-8")
    assert main(["workbook", "plan", str(instance), str(plan), "--output", str(tmp_path / "p.csv")]) == 1
    assert "the checker rejects" in capsys.readouterr().err
    assert not (tmp_path / "p.csv").exists()
