"""Grade samples and sets over HTTP: kept, fitted, held against what comes later, put into plans. No worker runs."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection

from optimization import api
from optimization.generator import generate
from optimization.grades.actions import MAX_SAMPLES
from optimization.instance_builder import build_instance
from optimization.models import GradeRetest, GradeSet, PlanRun, SampleBatch
from optimization.uncertainty.mines import sets_of
from tenants.models import FeedEvent
from tests.integration.optimization import documents
from tests.together import at_once
from tests.unit.optimization.test_uncertainty_estimation import paper_samples

SAMPLES, SETS = "/api/v1/grade-samples", "/api/v1/grade-sets"
DATA = Path(__file__).parents[3].parent / "shared" / "data"
CUTOFFS = ("cut-off 0.125", "cut-off 0.400")


def rows(mean=0.6, *, seed=1, n=20, mine="mine 1"):
    """Samples of every location and cut-off of a mine of `documents.small`."""
    rng = np.random.default_rng(seed)
    return [
        {"mine": mine, "location": location, "cutoff": cutoff, "value": float(value)}
        for location in ("location 1", "location 2")
        for cutoff in CUTOFFS
        for value in rng.normal(mean, 0.02, n)
    ]


def send(client, samples=None, **changes):
    return client.post(SAMPLES, {"source": "laboratory", "samples": rows() if samples is None else samples, **changes})


def send_csv(client, text, **options):
    from urllib.parse import urlencode

    address = f"{SAMPLES}?{urlencode({'source': 'a file', **options})}"
    return client.post(address, text if isinstance(text, bytes) else text.encode(), content_type="text/csv")


def fit(client, name="May", **changes):
    return client.post(SETS, {"name": name, **changes})


def as_csv(samples):
    text = io.StringIO()
    writer = csv.DictWriter(text, ["mine", "location", "cutoff", "value"])
    writer.writeheader()
    writer.writerows(samples)
    return text.getvalue()


def pointers(answer):
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


# Samples ------------------------------------------------------------------------------------------------------------


def test_batch_is_kept_listed_and_comes_out_as_csv_as_it_went_in(aurora):
    client = aurora.client()
    answer = send(client)
    body = answer.json()
    assert (answer.status_code, body["n"], body["is_known"], body["retests"]) == (201, 80, False, [])
    assert body["places"][0] == {
        "mine": "mine 1", "element": "", "location": "location 1", "cutoff": CUTOFFS[0], "n": 20,
    }  # fmt: skip
    assert client.get(answer["Location"]).json() == body | {"is_known": True}
    assert [row["id"] for row in client.get(SAMPLES).json()["results"]] == [body["id"]]
    out = client.get(f"{answer['Location']}/samples.csv", HTTP_ACCEPT="text/csv")
    assert (out.status_code, out["Content-Type"]) == (200, "text/csv; charset=utf-8")
    again = send_csv(client, out.content)
    assert (again.status_code, again.json()["id"]) == (200, body["id"])


def test_same_samples_in_another_order_and_form_are_known_and_change_nothing(aurora):
    client = aurora.client()
    first = send(client).json()
    fit(client)
    again = send_csv(client, as_csv(rows()[::-1]))
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["is_known"]) == (first["id"], True)
    with aurora.acting():
        assert (SampleBatch.objects.count(), GradeRetest.objects.count()) == (1, 0)


def test_columns_percent_and_mine_of_a_file_are_named_beside_it(aurora):
    text = "site,FE,taken\nA,58.5,2026-05-01T08:00:00+08:00\n"
    answer = send_csv(aurora.client(), text, mine="North", in_percent="true", value_column="FE", location_column="site",
                      time_column="taken")  # fmt: skip
    assert answer.status_code == 201, answer.content
    with aurora.acting():
        (kept,) = SampleBatch.objects.get().samples
    assert kept == {
        "mine": "North",
        "location": "A",
        "cutoff": "all",
        "value": 0.585,
        "time": "2026-05-01T00:00:00+00:00",
    }


BAD_CSV = [
    ("mine,value\nN,0.5\nN,x\n", {}, "/rows/1/value"),
    ("mine,value,time\nN,0.5,noon\n", {}, "/rows/0/time"),
    ("mine,value\nN,58\n", {}, "/rows/0/value"),
    ("mine,value\n" + "M" * 101 + ",0.5\n", {}, "/rows/0/mine"),
    ("value\n0.5\n", {}, "/mine"),
    ("mine,grade\nN,0.5\n", {}, "/columns"),
    ("mine,value\n", {}, "/rows"),
    ("", {}, "/columns"),
    ("mine,value\n" + "N,0.5\n" * (MAX_SAMPLES + 1), {}, "/rows"),
    ("mine,value\nN,0.5\n", {"source": ""}, "/source"),
    ("mine,value\nN,0.5\n", {"in_percent": "perhaps"}, "/in_percent"),
]


def test_bad_file_is_refused_with_row_and_column_and_nothing_is_kept(aurora):
    client = aurora.client()
    for text, options, pointer in BAD_CSV:
        assert pointer in pointers(send_csv(client, text, **options))
    with aurora.acting():
        assert not SampleBatch.objects.exists()


BAD_JSON = [
    ({"samples": [{"value": 0.5}]}, "/mine"),
    ({"samples": [{"value": 0.5, "mine": "N"}, {"value": None, "mine": "N"}]}, "/samples/1/value"),
    ({"samples": [{"value": "0.5", "mine": "N"}]}, "/samples/0/value"),
    ({"samples": {"value": 0.5}}, "/samples"),
    ({"samples": []}, "/samples"),
    ({"samples": [7]}, "/samples/0"),
    ({"samples": [{"value": 0.5, "mine": "N"}], "source": "s" * 201}, "/source"),
    ({"samples": [{}] * (MAX_SAMPLES + 1)}, "/samples"),
]


def test_bad_rows_are_refused_with_their_pointers(aurora):
    client = aurora.client()
    for body, pointer in BAD_JSON:
        assert pointer in pointers(client.post(SAMPLES, {"source": "lab", **body}))
    with aurora.acting():
        assert not SampleBatch.objects.exists()


def test_unusable_body_is_a_problem_and_never_an_error_of_ours(aurora):
    client = aurora.client()
    for raw in (b"", b"\xff\xfe", b'mine,value\n"N,0.5', b"mine,value\nN,0.5\n" + b"\0" * 5, b"[1]", b"null"):
        for kind in ("text/csv", "application/json", "text/plain"):
            answer = client.post(f"{SAMPLES}?source=x", raw, content_type=kind)
            assert answer.status_code in (400, 415, 422), (raw, kind, answer.content)
            assert answer["Content-Type"] == "application/problem+json", (raw, kind)


def test_name_that_no_database_can_keep_is_refused(aurora):
    body = json.dumps({"source": "lab", "samples": rows()}).replace("location 1", "\\ud800")
    answer = aurora.client().post(SAMPLES, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content


def test_lost_answer_is_told_again_for_the_same_key(aurora):
    client = aurora.client()
    first = client.post(SAMPLES, {"source": "lab", "samples": rows()}, HTTP_IDEMPOTENCY_KEY="k1")
    again = client.post(SAMPLES, {"source": "lab", "samples": rows()}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, again.status_code) == (201, 201) and again["Idempotent-Replayed"] == "true"
    text = as_csv(rows(seed=3))
    for _ in range(2):
        answer = client.post(f"{SAMPLES}?source=x", text, content_type="text/csv", HTTP_IDEMPOTENCY_KEY="k2")
        assert answer.status_code == 201


# Sets ---------------------------------------------------------------------------------------------------------------


def test_set_is_fitted_with_its_evidence_and_where_it_came_from(aurora):
    client = aurora.client()
    batch = send(client).json()
    answer = fit(client, settings={"violation": 0.4, "mean0_frac": 0.5})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["name"], body["version"], body["batches"], body["is_newest"]) == ("May", 1, [batch["id"]], True)
    assert (body["samples_sha256"], body["n_samples"]) == (batch["digest"], 80)
    assert body["settings"]["violation"] == 0.4 and body["settings"]["method"] == "t"
    (held,) = body["sets"]
    assert (held["mine"], held["element"], len(held["grades"])) == ("mine 1", "", 4)
    assert held["Gamma"] < 2 and abs(held["grades"][0]["gamma"] - 0.6) < 0.02 and held["grades"][0]["delta"] > 0
    assert body["coverage"]["n"] == 20 and body["coverage"]["covered"] >= 15
    assert client.get(answer["Location"]).json() == body
    evidence = client.get(f"{answer['Location']}/evidence").json()
    assert any("rejected, the mean grade is above 0.5" in line for line in evidence["words"])
    assert evidence["sets"][0]["grades"][0]["checks"]["n"] == 20
    figures = client.get(f"{answer['Location']}/figures").json()
    assert len(figures["figures"]) == 5 and len(figures["places"][0]["values"]) == 20
    with aurora.acting():
        assert sets_of(GradeSet.objects.get().evidence)[0].mine == "mine 1"


def test_papers_case_is_reproduced(aurora):
    """n = 20, t = 2.27 beyond 2.093: rejected; Pi = -10, pi = -3."""
    client = aurora.client()
    assert send(client, [{"value": float(v)} for v in paper_samples()], mine="Paper").status_code == 201
    where = fit(client, "paper", settings={"mean0_frac": 0.3})["Location"]
    evidence = client.get(f"{where}/evidence").json()
    test = evidence["sets"][0]["grades"][0]["test"]
    assert (test["n"], test["df"], test["is_rejected"]) == (20, 19, True)
    assert (round(test["t"], 2), round(test["critical_t"], 3)) == (2.27, 2.093)
    (paper,) = evidence["sets"][0]["papers"]
    assert (paper["Pi"], round(paper["pi"], 9)) == (-10, -3)
    assert any("Pi = -10 and pi = -3" in line for line in evidence["words"])


def test_same_name_makes_the_next_version_and_the_first_never_changes(aurora):
    client = aurora.client()
    send(client)
    first = fit(client).json()
    send(client, rows(seed=2))
    second = fit(client).json()
    assert (second["version"], len(second["batches"]), second["n_samples"]) == (2, 2, 160)
    fit(client, "June", batches=first["batches"])
    assert [row["version"] for row in client.get(f"{SETS}?name=May").json()["results"]] == [2, 1]
    assert len(client.get(SETS).json()["results"]) == 3
    now = client.get(f"{SETS}/{first['id']}").json()
    assert {key: now[key] for key in ("sets", "batches", "samples_sha256")} == {
        key: first[key] for key in ("sets", "batches", "samples_sha256")
    }
    assert (now["is_newest"], second["is_newest"]) == (False, True)
    evidence = [client.get(f"{SETS}/{body['id']}/evidence").json()["sets"][0] for body in (first, second)]
    assert (evidence[1]["version"], evidence[1]["replaces"]) == (2, evidence[0]["identity"])
    with aurora.acting(), connection.cursor() as cursor:
        cursor.execute("UPDATE optimization_gradeset SET version = 9")
        assert cursor.rowcount == 0


BAD_FITS = [
    ({"settings": {"level": 95}}, "/settings"),
    ({"settings": {"vilation": 0.1}}, "/settings/vilation"),
    ({"settings": {"method": "guess"}}, "/settings/method"),
    ({"settings": {"mines": ["Nroth"]}}, "/settings/mines/0"),
    ({"settings": {"unwanted": ["SiO2"]}}, "/settings/unwanted/0"),
    ({"settings": {"floors": [{"mine": "mine 1", "location": "x", "cutoff": "y", "floor_frac": 0.1}]}},
     "/settings/floors/0"),
    ({"settings": {"floors": [{"mine": "mine 1"}]}}, "/settings/floors/0/location"),
    ({"settings": []}, "/settings"),
    ({"settings": {"level": "nan"}}, "/settings/level"),
    ({"name": ""}, "/name"),
    ({"batches": []}, "/batches"),
    ({"batches": ["x"]}, "/batches/0"),
    ({"batches": [str(uuid4())]}, "/batches/0"),
]  # fmt: skip


def test_bad_fit_is_refused_with_its_pointer_and_nothing_is_kept(aurora):
    client = aurora.client()
    send(client)
    for body, pointer in BAD_FITS:
        assert pointer in pointers(fit(client, **body))
    with aurora.acting():
        assert not GradeSet.objects.exists()


def test_fit_without_any_samples_is_refused_in_words(aurora):
    assert pointers(fit(aurora.client())) == ["/batches"]


def test_more_samples_than_a_fit_takes_are_refused_until_batches_are_named(aurora):
    client = aurora.client()
    many = [{"value": 0.5 + k * 1e-6} for k in range(MAX_SAMPLES)]
    assert send(client, many, mine="mine 1").status_code == 201
    small = send(client).json()["id"]
    assert pointers(fit(client)) == ["/batches"]
    assert fit(client, batches=[small]).status_code == 201


# Re-test ------------------------------------------------------------------------------------------------------------


def news(organisation):
    with organisation.acting():
        return list(FeedEvent.objects.filter(kind__startswith="grades.").order_by("seq").values_list("kind", "body"))


def test_new_batch_is_held_against_the_newest_version_of_each_set_of_its_places(aurora):
    client = aurora.client()
    first = send(client).json()["id"]
    send(client, rows(0.3, mine="mine 2"))
    old, new = fit(client, batches=[first]).json(), fit(client, batches=[first]).json()
    fit(client, "other mine", settings={"mines": ["mine 2"]})
    like = send(client, rows(seed=72)).json()
    assert [(row["set"], row["verdict"], row["is_holding"]) for row in like["retests"]] == [(new["id"], "stands", True)]
    fallen = send(client, rows(0.5, seed=72)).json()
    (retest,) = fallen["retests"]
    assert (retest["verdict"], retest["is_holding"]) == ("refit", False)
    told = client.get(f"{SETS}/{new['id']}").json()["retests"]
    assert [(row["batch"], row["is_holding"]) for row in told] == [(fallen["id"], False), (like["id"], True)]
    assert client.get(f"{SETS}/{old['id']}").json()["retests"] == []
    held, drifted = news(aurora)
    assert (held[0], drifted[0]) == ("grades.held", "grades.drifted")
    words = drifted[1].pop("words")
    assert "no longer fits" in words[0] and "the mean moved" in " ".join(words)
    assert drifted[1] == {
        "set": new["id"], "name": "May", "version": 2, "batch": fallen["id"], "is_holding": False,
    }  # fmt: skip
    with aurora.acting():
        assert GradeSet.objects.filter(name="May").count() == 2
        assert [retest.is_holding for retest in api.grade_retests()] == [False, True]
        assert api.newest_grade_set("May").version == 2


def test_new_version_answers_what_the_old_one_missed(aurora):
    client = aurora.client()
    send(client)
    fit(client)
    fallen = send(client, rows(0.5, seed=4)).json()
    fit(client, batches=[fallen["id"]])
    assert send(client, rows(0.5, seed=5)).json()["retests"][0]["is_holding"] is True


def test_two_samples_say_nothing_against_a_set(aurora):
    client = aurora.client()
    send(client)
    fit(client)
    (retest,) = send(client, rows(0.1)[:2]).json()["retests"]
    assert (retest["verdict"], retest["is_holding"]) == ("too_few", True)


def test_assays_that_come_one_by_one_are_judged_once_they_are_enough(aurora):
    client = aurora.client()
    send(client)
    held = fit(client).json()
    verdicts = []
    for k in range(4):
        low = {"mine": "mine 1", "location": "location 1", "cutoff": CUTOFFS[0], "value": 0.4 + k / 1000}
        fine = {"mine": "mine 1", "location": "location 2", "cutoff": CUTOFFS[0], "value": 0.6 + k / 1000}
        (retest,) = send(client, [low, fine]).json()["retests"]
        verdicts.append((retest["verdict"], retest["is_holding"]))
    assert verdicts == [("too_few", True), ("too_few", True), ("refit", False), ("too_few", True)]
    words = client.get(f"{SETS}/{held['id']}").json()["retests"][1]["words"]
    assert any("location 1" in line and "the mean moved from" in line for line in words)
    assert any("location 2" in line and "no drift seen" in line for line in words)


def test_fit_and_batch_at_once_leave_no_batch_unseen(aurora):
    """Whichever comes first: the batch is in the set, or was held against it."""
    client = aurora.client()
    send(client)
    late, other = aurora.client(), aurora.client()
    answers = at_once(partial(send, late, rows(seed=9)), partial(fit, client), partial(fit, other))
    assert [answer.status_code for answer in answers] == [201] * 3
    batch, *sets = (answer.json() for answer in answers)
    assert {body["version"] for body in sets} == {1, 2}
    with aurora.acting():
        tested = {str(key) for key in GradeRetest.objects.values_list("grade_set_id", flat=True)}
    newest = max(sets, key=lambda body: body["version"])
    assert batch["id"] in newest["batches"] or newest["id"] in tested


# Plans --------------------------------------------------------------------------------------------------------------


def ask(client, **changes):
    return client.post("/api/v1/plans", {"name": "May", "instance": documents.small(), **changes})


def test_plan_is_asked_for_with_the_grades_of_a_set(aurora):
    client = aurora.client()
    send(client)
    held = fit(client, settings={"violation": 0.4}).json()
    answer = ask(client, grade_set=held["id"])
    assert answer.status_code == 202, answer.content
    assert answer.json()["grade_set"] == held["id"]
    instance = build_instance(client.get(f"{answer['Location']}/instance").json())
    wanted = {(g["location"], g["cutoff"]): g["gamma"] for g in held["sets"][0]["grades"]}
    assert {(i.name, j.name): j.gamma[0] for i in instance.mines[0].locations for j in i.cutoffs} == wanted
    assert instance.mines[1] == build_instance(documents.small()).mines[1]
    assert instance.uncertainty.Gamma == (held["sets"][0]["Gamma"], 1.0)
    assert ask(client).json()["grade_set"] is None


def test_set_that_does_not_fit_the_instance_is_told_with_every_place(aurora):
    client = aurora.client()
    send(client, rows(mine="mine 9") + [row for row in rows() if row["location"] == "location 1"])
    held = fit(client).json()
    assert sorted(pointers(ask(client, grade_set=held["id"]))) == [
        "/grade_set",
        "/instance/mines/0/locations/1/cutoffs/0",
        "/instance/mines/0/locations/1/cutoffs/1",
    ]
    assert pointers(ask(client, grade_set=str(uuid4()))) == ["/grade_set"]
    assert pointers(ask(client, grade_set=held["id"], instance=[])) == ["/instance"]
    with aurora.acting():
        assert not PlanRun.objects.exists()


def test_set_of_the_demo_is_made_once_and_fits_its_plan(aurora):
    from cloudmining import demo_seed, story

    with aurora.acting():
        for _ in range(2):
            demo_seed._grades()
        held = GradeSet.objects.get()
    instance = json.loads(generate(*story.PLAN_SIZE, seed=story.PLAN_SEED).to_json())
    assert ask(aurora.client(), instance=instance, grade_set=str(held.pk)).status_code == 202


# Others -------------------------------------------------------------------------------------------------------------


def test_outsider_finds_nothing_of_it_and_can_not_use_it(aurora, cassia):
    client, outsider = aurora.client(), cassia.client()
    batch = send(client).json()["id"]
    held = fit(client).json()["id"]
    send(client, rows(0.5, seed=5))
    for path in (f"{SAMPLES}/{batch}", f"{SAMPLES}/{batch}/samples.csv", f"{SETS}/{held}", f"{SETS}/{held}/evidence",
                 f"{SETS}/{held}/figures"):  # fmt: skip
        absent = outsider.get(path.replace(batch, str(uuid4())).replace(held, str(uuid4())))
        assert (outsider.get(path).status_code, outsider.get(path).content) == (404, absent.content)
    assert outsider.get(SAMPLES).json()["results"] == outsider.get(SETS).json()["results"] == []
    assert pointers(fit(outsider, batches=[batch])) == ["/batches/0"]
    assert pointers(ask(outsider, grade_set=held)) == ["/grade_set"]
    assert send(outsider).json()["is_known"] is False
    with cassia.acting(), connection.cursor() as cursor:
        for table in ("samplebatch", "gradeset", "graderetest"):
            cursor.execute(f"SELECT count(*) FROM optimization_{table} WHERE tenant_id = %s", [aurora.id])
            assert cursor.fetchone() == (0,)


def test_key_that_may_only_view_reads_and_neither_sends_nor_fits(aurora):
    client, viewer = aurora.client(), aurora.client(["view_plans"])
    send(client)
    assert viewer.get(SAMPLES).status_code == 200
    assert send(viewer).status_code == fit(viewer).status_code == 403
    assert aurora.client(["manage_grades", "view_plans"]).get(SETS).status_code == 200


# Real samples -------------------------------------------------------------------------------------------------------


def real(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the public samples {name} are not beside the project")
    return path.read_text(encoding="utf-8-sig")


def test_real_drill_holes_and_assays_are_fitted_over_the_api(aurora):
    client = aurora.client()
    iron = [
        row for row in csv.DictReader(io.StringIO(real("grade_tonnage/grade_samples.csv"))) if row["commodity"] == "Fe"
    ]
    text = "site,grade\n" + "".join(f"{row['site']},{row['grade']}\n" for row in iron)
    drilled = send_csv(client, text, mine="Pilbara", in_percent="true", value_column="grade", location_column="site")
    assert (drilled.status_code, drilled.json()["n"]) == (201, len(iron))
    assays = real("iron_ore_study/iron_ore_study.csv")
    for metal in ("FE", "SIO2"):
        sent = send_csv(client, assays, mine="Study", in_percent="true", value_column=metal,
                        element="" if metal == "FE" else metal)  # fmt: skip
        assert (sent.status_code, sent.json()["n"]) == (201, 3_500)
    body = fit(client, "real", settings={"violation": 0.1, "unwanted": ["SIO2"]}).json()
    assert [(held["mine"], held["element"], len(held["grades"])) for held in body["sets"]] == [
        ("Pilbara", "", 14), ("Study", "", 1), ("Study", "SIO2", 1),
    ]  # fmt: skip
    assert body["coverage"]["covered"] / body["coverage"]["n"] > 0.9
    assert datetime.fromisoformat(body["created_at"]) > datetime.now(UTC) - timedelta(hours=1)
