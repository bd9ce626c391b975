"""Scenarios over HTTP: versions, variations, plans of them, comparison. No worker runs but where a plan is needed."""

import json
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection

from optimization.instance_builder import build_instance
from optimization.models import PlanRun, Scenario, ScenarioVersion
from optimization.scenarios import access, actions
from tenants.data import Conflict
from tests.integration.optimization import documents
from tests.integration.optimization import test_grades as grades
from tests.integration.optimization.scenes import OPTIONS, founded, solved
from tests.together import at_once

URL = "/api/v1/scenarios"
MORE = [{"kind": "demand", "user": "user 1", "factor": 1.05, "periods": ["period 1"]}]
WORDS = "demand of user 1 +5 % in period 1"


def base_of(client, name="Base"):
    answer = client.post(URL, {"name": name, "instance": documents.small()})
    assert answer.status_code == 201, answer.content
    return answer.json()


def varied(client, base, variations=MORE, name="More steel"):
    return client.post(URL, {"name": name, "base": base["id"], "variations": variations, "note": "as sales hope"})


def versions_of(version):
    return f"{URL}/{version['scenario']}/versions"


# Founding and reading -----------------------------------------------------------------------------------------------


def test_base_keeps_its_instance_as_it_was_sent(aurora):
    client = aurora.client()
    answer = client.post(URL, {"name": "Base", "instance": documents.small(), "note": "May"})
    version = answer.json()
    assert answer["Location"] == f"{versions_of(version)}/1"
    assert (version["number"], version["base"], version["variations"], version["words"]) == (1, None, [], [])
    assert client.get(answer["Location"]).json() == version
    assert client.get(f"{answer['Location']}/instance").json() == documents.small()
    listed = client.get(URL).json()["results"]
    assert [(row["name"], row["version"], row["archived_at"]) for row in listed] == [("Base", 1, None)]
    assert client.get(f"{URL}/{version['scenario']}").json() == listed[0]


def test_variation_is_told_in_words_and_is_in_the_instance(aurora):
    client = aurora.client()
    base = base_of(client)
    version = varied(client, base).json()
    assert version["words"] == [WORDS]
    assert (version["base"]["scenario_name"], version["base"]["number"]) == ("Base", 1)
    effective = build_instance(client.get(f"{versions_of(version)}/1/instance").json())
    before = build_instance(documents.small())
    for key, demand in effective.demand_by_key.items():
        was = before.demand_by_key[key].D
        factor = 1.05 if key[1] == "user 1" else 1.0
        assert (was[0] * factor, *was[1:]) == demand.D


def test_variations_upon_variations_apply_in_order(aurora):
    client = aurora.client()
    first = varied(client, base_of(client), [{"kind": "demand", "value": 10}]).json()
    second = varied(client, first, [{"kind": "demand", "factor": 2}], "Twice").json()
    demands = client.get(f"{versions_of(second)}/1/instance").json()["demands"]
    assert {tonnes for demand in demands for tonnes in demand["D"]} == {20.0}


def test_versions_follow_one_another_and_never_change(aurora):
    client = aurora.client()
    version = varied(client, base_of(client)).json()
    body = {"expected_version": 1, "base": version["base"]["id"], "variations": [], "note": "none after all"}
    second = client.post(versions_of(version), body)
    assert (second.status_code, second.json()["number"]) == (201, 2)
    listed = client.get(versions_of(version)).json()["results"]
    assert [row["number"] for row in listed] == [2, 1]
    assert client.get(f"{URL}/{version['scenario']}").json()["version"] == 2
    assert client.get(f"{versions_of(version)}/1").json() == version
    with aurora.acting():
        assert ScenarioVersion.objects.update(note="other") == 0
        assert ScenarioVersion.objects.filter(number=2)._raw_delete("default") == 0


def test_version_made_upon_a_stale_one_is_a_conflict(aurora):
    client = aurora.client()
    version = base_of(client)
    body = {"expected_version": 1, "instance": documents.small()}
    assert client.post(versions_of(version), body).status_code == 201
    stale = client.post(versions_of(version), body)
    assert (stale.status_code, stale.json()["detail"]) == (
        409,
        "The newest version is 2, not 1: read it and decide anew.",
    )


def test_taken_name_is_a_conflict(aurora, borealis):
    client = aurora.client()
    base_of(client)
    again = client.post(URL, {"name": "Base", "instance": documents.small()})
    assert again.status_code == 409
    assert "'Base'" in again.json()["detail"]
    assert base_of(borealis.client())["number"] == 1


def test_request_sent_twice_with_its_key_makes_one_scenario(aurora):
    client, key = aurora.client(), {"HTTP_IDEMPOTENCY_KEY": uuid4().hex}
    body = {"name": "Base", "instance": documents.small()}
    first, second = (client.post(URL, body, **key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert len(client.get(URL).json()["results"]) == 1


# Refusals -----------------------------------------------------------------------------------------------------------

REFUSED = [
    ({}, "/instance"),
    ({"instance": {}}, "/instance"),
    ({"instance": documents.small() | {"mines": []}}, "/instance/mines"),
    ({"instance": documents.small(), "variations": MORE}, "/variations"),
    ({"base": "BASE", "instance": documents.small()}, "/instance"),
    ({"base": "BASE", "variations": {"kind": "demand"}}, "/variations"),
    ({"base": "BASE", "variations": [{"kind": "demand", "user": "nobody", "factor": 2}]}, "/variations/0/user"),
    ({"base": "BASE", "variations": [*MORE, {"kind": "grade", "of": "nominal", "factor": 9}]}, "/variations/1/factor"),
    ({"base": "BASE", "variations": [{"kind": "demand", "factor": 2, "periods": ["May"]}]}, "/variations/0/periods"),
    ({"base": "BASE", "variations": [{"kind": "demand", "factor": -1}]}, "/variations/0/factor"),
    ({"base": "BASE", "variations": [{"kind": "demand", "factor": 10**400}]}, "/variations/0/factor"),
    ({"base": "BASE", "variations": [[]]}, "/variations/0"),
    ({"base": "no id"}, "/base"),
    ({"base": "BASE", "note": "x" * 501}, "/note"),
]


def test_bad_content_is_refused_with_its_place_and_nothing_is_kept(aurora):
    client = aurora.client()
    base = base_of(client)
    for content, pointer in REFUSED:
        content = content | ({"base": base["id"]} if content.get("base") == "BASE" else {})
        for url, more in ((URL, {"name": "New"}), (versions_of(base), {"expected_version": 1})):
            answer = client.post(url, content | more)
            assert answer.status_code == 422, (content, answer.content)
            assert answer.json()["errors"][0]["pointer"] == pointer, (content, answer.json())
    with aurora.acting():
        assert Scenario.objects.get().version == 1
        assert ScenarioVersion.objects.count() == 1


def test_endless_line_of_variations_is_refused(aurora):
    version = founded(aurora)
    for n in range(actions.DEEPEST - 1):
        version = founded(aurora, f"Upon {n}", base=version)
    answer = aurora.client().post(URL, {"name": "One more", "base": str(version.pk)})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/base")


def test_more_variations_than_one_scenario_may_have_are_none_by_stacking_them(aurora):
    version = founded(aurora, "Many", base=founded(aurora), variations=MORE * 150)
    body = {"name": "More", "base": str(version.pk), "variations": MORE * 51}
    answer = aurora.client().post(URL, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/variations")
    assert aurora.client().post(URL, body | {"variations": MORE * 50}).status_code == 201


SURROGATES = [
    '{"name": "\\ud800", "instance": %s}',
    '{"name": "New", "note": "\\ud800", "instance": %s}',
    '{"name": "New", "base": "BASE", "variations": [{"kind": "demand", "user": "\\ud800", "factor": 1}]}',
    '{"name": "New", "base": "BASE", "variations": [{"kind": "demand", "\\ud800": 1, "factor": 1}]}',
]


@pytest.mark.parametrize("body", SURROGATES)
def test_text_that_no_database_can_keep_is_refused(aurora, body):
    client = aurora.client()
    base = base_of(client)
    text = body.replace("%s", json.dumps(documents.small())).replace("BASE", base["id"])
    answer = client.post(URL, text.encode(), content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content


def test_archived_scenario_is_read_but_not_planned_with(aurora):
    client = aurora.client()
    base = base_of(client)
    url = f"{URL}/{base['scenario']}"
    assert client.post(f"{url}/archive").json()["archived_at"]
    assert client.post(f"{url}/archive").status_code == 409
    assert client.post(f"{url}/versions/1/solve").status_code == 409
    assert client.post(f"{url}/versions", {"expected_version": 1, "instance": documents.small()}).status_code == 409
    assert varied(client, base).status_code == 409
    assert client.get(f"{url}/versions/1/instance").status_code == 200


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999"])
def test_version_that_is_not_there_is_absent(aurora, number):
    client = aurora.client()
    assert client.get(f"{versions_of(base_of(client))}/{number}").status_code == 404


def test_outsider_finds_nothing_and_builds_on_nothing(aurora, cassia):
    base = base_of(aurora.client())
    client = cassia.client()
    url = versions_of(base)
    assert client.get(URL).json()["results"] == []
    for address in (
        f"{URL}/{base['scenario']}",
        url,
        f"{url}/1",
        f"{url}/1/instance",
        f"{URL}/compare?versions={base['id']}",
    ):
        assert client.get(address).status_code == 404, address
    for address in (f"{url}/1/solve", f"{URL}/{base['scenario']}/archive"):
        assert client.post(address).status_code == 404, address
    assert varied(client, base).status_code == 404
    with pytest.raises((IntegrityError, ProgrammingError)), cassia.acting() as actor, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optimization_scenarioversion (id, tenant_id, scenario_id, number, instance, variations, note) "
            "VALUES (gen_random_uuid(), %s, %s, 9, '{}', '[]', '')",
            [actor.tenant_id, base["scenario"]],
        )


# Plans of versions --------------------------------------------------------------------------------------------------


def test_plan_of_a_version_holds_the_instance_as_it_was_varied(aurora):
    client = aurora.client()
    version = varied(client, base_of(client)).json()
    answer = client.post(f"{versions_of(version)}/1/solve", {"options": {"gap": 0.02}})
    assert answer.status_code == 202, answer.content
    run = answer.json()
    assert (run["name"], run["status"], run["options"]["gap"]) == ("More steel, version 1", "queued", 0.02)
    effective = client.get(f"{versions_of(version)}/1/instance").json()
    assert client.get(f"{answer['Location']}/instance").json() == effective
    assert client.get(f"{versions_of(version)}/1").json()["plan"] == run["id"]
    with aurora.acting():
        assert str(PlanRun.objects.get(pk=run["id"]).scenario_version_id) == version["id"]


def test_plan_of_a_version_takes_the_grades_of_a_set(aurora):
    client = aurora.client()
    grades.send(client)
    held = grades.fit(client, settings={"violation": 0.4}).json()
    version = varied(client, base_of(client)).json()
    answer = client.post(f"{versions_of(version)}/1/solve", {"grade_set": held["id"]})
    assert answer.status_code == 202, answer.content
    assert (answer.json()["grade_set"], answer.json()["scenario_version"]) == (held["id"], version["id"])
    solved_for = build_instance(client.get(f"{answer['Location']}/instance").json())
    effective = build_instance(client.get(f"{versions_of(version)}/1/instance").json())
    assert solved_for.demands == effective.demands != build_instance(documents.small()).demands
    assert solved_for.mines[0] != effective.mines[0]
    refused = client.post(f"{versions_of(version)}/1/solve", {"grade_set": str(uuid4())})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/grade_set")


def test_bad_option_of_a_solve_is_refused_with_its_place(aurora):
    client = aurora.client()
    answer = client.post(f"{versions_of(base_of(client))}/1/solve", {"options": {"gap": 7}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/options/gap")


# Comparison ---------------------------------------------------------------------------------------------------------


def test_plans_of_versions_are_compared_and_the_infeasible_one_is_named_with_its_reason(aurora):
    client = aurora.client()
    base = founded(aurora)
    more = founded(aurora, "More steel", base=base, variations=MORE)
    broken = founded(
        aurora, "Too rich", base=more, variations=[{"kind": "set", "of": "alpha", "mine": "mine 1", "value": 0.99}]
    )
    for version in (base, more, broken):
        solved(aurora, version)
    found = client.get(f"{URL}/compare?versions={base.pk},{more.pk},{broken.pk}").json()
    assert [plan["status"] for plan in found["plans"]] == ["solved", "solved", "infeasible"]
    assert [plan["variations"] for plan in found["plans"]] == [
        [],
        [WORDS],
        [WORDS, "least grade of the blend of mine 1 set to 0.99"],
    ]
    assert found["plans"][2]["message"].startswith("No plan exists: ")
    rows = {row["name"]: row["values"] for row in found["rows"]}
    reports = [client.get(f"/api/v1/plans/{plan['plan']}").json() for plan in found["plans"]]
    assert rows["cost"][:2] == pytest.approx([report["report"]["objective_usd"] for report in reports[:2]])
    assert rows["exploitation"][:2] == pytest.approx([run["cost_terms_usd"]["exploitation"] for run in reports[:2]])
    assert rows["service"] == [pytest.approx(1), pytest.approx(1), None]
    assert rows["gap"][2] is None
    (difference,) = found["differences"]
    assert (difference["plan"], difference["than"]) == (found["plans"][1]["plan"], found["plans"][0]["plan"])
    assert difference["words"][0].startswith("The cost ")
    assert any(words.startswith("Data that changed: D (demands, ") for words in difference["words"])


def test_newest_solved_plan_of_a_version_is_the_one_compared(aurora):
    base = founded(aurora)
    run_id = solved(aurora, base)
    with aurora.acting():
        actions.solve_version(version=base, options=OPTIONS)
    found = aurora.client().get(f"{URL}/compare?versions={base.pk}").json()
    assert [plan["plan"] for plan in found["plans"]] == [str(run_id)]


def test_plans_without_a_scenario_are_compared_too(aurora):
    first, second = solved(aurora), solved(aurora)
    found = aurora.client().get(f"{URL}/compare?runs={first},{second}").json()
    assert [(plan["name"], plan["scenario"], plan["variations"]) for plan in found["plans"]] == [("May", None, [])] * 2
    assert found["differences"][0]["words"][0].startswith("The cost stays")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("runs=", 422),
        ("runs=x", 422),
        ("runs={a},{a}", 422),
        ("runs={a}&versions={a}", 422),
        ("runs=" + ",".join(str(uuid4()) for _ in range(9)), 422),
        ("runs={a}", 404),
    ],
)
def test_comparison_of_nothing_is_refused_in_words(aurora, query, status):
    answer = aurora.client().get(f"{URL}/compare?{query.format(a=uuid4())}")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content


def test_version_without_a_plan_can_not_be_compared_yet(aurora):
    base = founded(aurora)
    answer = aurora.client().get(f"{URL}/compare?versions={base.pk}")
    assert (answer.status_code, answer.json()["detail"]) == (409, "'Base', version 1 has no plan yet: solve it first.")


def test_foreign_plan_can_not_be_compared(aurora, cassia):
    own, foreign = solved(cassia), solved(aurora)
    assert cassia.client().get(f"{URL}/compare?runs={own},{foreign}").status_code == 404


# At once ------------------------------------------------------------------------------------------------------------


def test_of_versions_made_at_once_exactly_one_is_kept(aurora):
    version, gate = founded(aurora), Barrier(6)

    def make(n):
        try:
            with aurora.acting():
                scenario = access.get_scenario(version.scenario_id, needs="run_plans")
                gate.wait(60)
                return actions.make_version(
                    scenario=scenario, expected_version=1, base=version, variations=MORE, note=str(n)
                ).note
        except Conflict as refusal:
            return refusal

    outcomes = at_once(*[lambda n=n: make(n) for n in range(6)])
    won = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(won) == 1
    assert {outcome.detail for outcome in outcomes if isinstance(outcome, Conflict)} == {
        "The newest version is 2, not 1: read it and decide anew."
    }
    with aurora.acting():
        kept = ScenarioVersion.objects.order_by("number").values_list("number", "note")
        assert list(kept) == [(1, ""), (2, won[0])]


def test_of_scenarios_founded_under_one_name_at_once_exactly_one_is_kept(aurora):
    gate = Barrier(4)

    def found(n):
        try:
            gate.wait(60)
            return founded(aurora, instance=documents.small(), note=str(n)).note
        except Conflict as refusal:
            return refusal

    outcomes = at_once(*[lambda n=n: found(n) for n in range(4)])
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert all("'Base'" in outcome.detail for outcome in outcomes if isinstance(outcome, Conflict))
    with aurora.acting():
        assert (Scenario.objects.count(), ScenarioVersion.objects.count()) == (1, 1)
