"""Approval by a second person, release under gap-free numbers, the digest, what is in force; and several at once."""

import hashlib
import json
from threading import Barrier

import pytest
from django.db import ProgrammingError

from optimization import api
from optimization.models import PlanDecision, PlanRelease, PlanRun
from optimization.scenarios import actions
from tenants.context import acting_as
from tenants.data import Actor, Conflict, Forbidden
from tenants.models import FeedEvent
from tests.integration.optimization import documents
from tests.integration.optimization.scenes import approved, colleague, founded, released, solved, worked_off
from tests.together import at_once

PLANS, RELEASES = "/api/v1/plans", "/api/v1/releases"


def told(organisation, kind):
    with organisation.acting():
        return list(FeedEvent.objects.filter(kind=kind).order_by("seq").values_list("body", flat=True))


def run_of(run_id):
    return PlanRun.objects.get(pk=run_id)


# Decisions ----------------------------------------------------------------------------------------------------------


def test_colleague_approves_once_and_it_is_told(aurora):
    version = founded(aurora)
    run_id = solved(aurora, version)
    manager = colleague(aurora)
    client = manager.client()
    assert client.get(f"{PLANS}/{run_id}/decision").status_code == 409
    answer = client.post(f"{PLANS}/{run_id}/approve", {"reason": "cheap enough"})
    assert answer.status_code == 201, answer.content
    decision = answer.json()
    assert (decision["is_approved"], decision["decided_by"], decision["reason"]) == (
        True,
        str(manager.user.pk),
        "cheap enough",
    )
    assert aurora.client().get(f"{PLANS}/{run_id}/decision").json() == decision
    again = client.post(f"{PLANS}/{run_id}/reject", {"reason": "second thoughts"})
    assert (again.status_code, again.json()["detail"]) == (409, "The plan was approved already, by A colleague.")
    body = {"plan": str(run_id), "name": "Base, version 1", "status": "solved", "scenario": str(version.scenario_id)}
    assert told(aurora, "plan.approved") == [body]
    assert told(aurora, "plan.rejected") == []


def test_rejection_needs_a_reason_and_bars_the_release(aurora):
    run_id = solved(aurora)
    client = colleague(aurora).client()
    bare = client.post(f"{PLANS}/{run_id}/reject")
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert client.post(f"{PLANS}/{run_id}/reject", {"reason": "too dear"}).status_code == 201
    answer = client.post(f"{PLANS}/{run_id}/release")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "Only an approved plan is released: it is rejected.",
    )
    assert told(aurora, "plan.rejected") == [{"plan": str(run_id), "name": "May", "status": "solved"}]


def test_who_asked_does_not_approve_by_hand_nor_by_a_key(aurora):
    run_id = solved(aurora)
    with pytest.raises(Forbidden, match="a colleague has to approve"), aurora.acting():
        actions.decide(run=run_of(run_id), is_approved=True)
    answer = aurora.client().post(f"{PLANS}/{run_id}/approve")
    assert (answer.status_code, answer.json()["title"]) == (403, "Not allowed")
    with aurora.acting():
        assert not PlanDecision.objects.exists()


def test_plan_asked_for_through_a_key_is_not_approved_by_the_keys_owner(aurora):
    asked = aurora.client(["run_plans", "view_plans"]).post(PLANS, {"name": "May", "instance": documents.small()})
    run_id = worked_off(aurora, asked.json()["id"])
    with pytest.raises(Forbidden), acting_as(aurora.actor(via="session:browser")):
        actions.decide(run=run_of(run_id), is_approved=True)


def test_who_asked_may_reject_their_own_plan(aurora):
    run_id = solved(aurora)
    assert aurora.client().post(f"{PLANS}/{run_id}/reject", {"reason": "typing error"}).status_code == 201


def test_program_without_a_person_decides_and_releases_nothing(aurora):
    run_id = solved(aurora)
    nobody = Actor(aurora.id, None, frozenset({"owner"}), "test:program")
    with pytest.raises(Forbidden, match="A person"), acting_as(nobody):
        actions.decide(run=run_of(run_id), is_approved=True)
    with pytest.raises(Forbidden, match="A person"), acting_as(nobody):
        actions.release_plan(run=run_of(run_id))


@pytest.mark.parametrize("role", ["planner", "operator", "expert", "finance", "viewer", "auditor"])
def test_role_that_does_not_decide_is_refused(aurora, role):
    run_id = solved(aurora)
    other = colleague(aurora, role)
    for step, capability in (("approve", "approve_plans"), ("release", "release_plans")):
        answer = other.client([*{"view_plans", "run_plans", "approve_plans", "release_plans"}]).post(
            f"{PLANS}/{run_id}/{step}"
        )
        assert answer.status_code == 403
        assert capability in answer.json()["detail"]


def test_plan_that_is_not_solved_is_not_decided_on(aurora):
    with aurora.acting():
        queued = api.request_plan(name="May", instance=documents.small(), options={})
    client = colleague(aurora).client()
    answer = client.post(f"{PLANS}/{queued.pk}/approve")
    assert (answer.status_code, answer.json()["detail"]) == (409, "Only a solved plan is decided on: it is queued.")
    infeasible = solved(aurora, founded(aurora, instance=documents.infeasible()))
    assert "infeasible" in client.post(f"{PLANS}/{infeasible}/approve").json()["detail"]


# Releases -----------------------------------------------------------------------------------------------------------


def test_release_has_a_number_a_digest_and_is_told(aurora):
    run_id = approved(aurora)
    answer = aurora.client().post(f"{PLANS}/{run_id}/release")
    assert answer.status_code == 201, answer.content
    release = answer.json()
    assert (release["number"], release["plan"], release["is_in_force"]) == (1, str(run_id), True)
    assert answer["Location"] == f"{RELEASES}/{release['id']}"
    assert aurora.client().get(answer["Location"]).json() == release
    body = {"plan": str(run_id), "name": "May", "status": "solved", "release": 1, "digest": release["digest"]}
    assert told(aurora, "plan.released") == [body]
    again = aurora.client().post(f"{PLANS}/{run_id}/release")
    assert (again.status_code, again.json()["detail"]) == (409, "The plan is released already, as number 1.")


def test_undecided_plan_is_not_released(aurora):
    answer = aurora.client().post(f"{PLANS}/{solved(aurora)}/release")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "Only an approved plan is released: it is not decided on.",
    )


def test_digest_can_be_recomputed_by_anybody_from_what_the_api_answers(aurora):
    """As docs/how-to/plan-scenarios.md tells it: from the whole document, or piece by piece."""
    version = founded(aurora)
    release = released(aurora, version)
    client = aurora.client()
    whole = client.get(f"{RELEASES}/{release.pk}/document")
    assert hashlib.sha256(whole.content).hexdigest() == release.digest
    run = client.get(f"{PLANS}/{release.run_id}").json()
    document = {
        "instance": client.get(f"{PLANS}/{release.run_id}/instance").json(),
        "plan": client.get(f"{PLANS}/{release.run_id}/plan").json(),
        "options": run["options"],
        "report": whole.json()["report"],
        "grade_set": None,
        "scenario_version": str(version.pk),
        "parts": None,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == release.digest
    found = client.get(f"{RELEASES}/{release.pk}/verify").json()
    assert found == {"digest": release.digest, "recomputed": release.digest, "is_genuine": True}


def test_digest_of_another_plan_is_not_genuine(aurora):
    """A release whose digest is that of another run, as a forger past the application would leave it."""
    run_id, other = approved(aurora), released(aurora, founded(aurora))
    with aurora.acting():
        forged = PlanRelease.objects.create(
            tenant_id=aurora.id, run_id=run_id, number=2, digest=other.digest, released_by=aurora.user
        )
    found = aurora.client().get(f"{RELEASES}/{forged.pk}/verify").json()
    assert (found["is_genuine"], found["digest"]) == (False, other.digest)


def test_newest_release_of_a_scenario_is_in_force_and_supersedes_the_earlier_ones(aurora):
    base = founded(aurora)
    dry = founded(aurora, "Dry season", base=base, variations=[{"kind": "demand", "factor": 0.9}])
    first, other, plain = released(aurora, base), released(aurora, dry), released(aurora)
    second = released(aurora, base)
    listed = aurora.client().get(RELEASES).json()["results"]
    assert [(row["number"], row["scenario_name"], row["is_in_force"]) for row in listed] == [
        (4, "Base", True),
        (3, None, True),
        (2, "Dry season", True),
        (1, "Base", False),
    ]
    with aurora.acting():
        assert api.released_plan(base.scenario_id).pk == second.pk != first.pk
        assert api.released_plan(dry.scenario_id).pk == other.pk
        assert api.released_plan().pk == second.pk != plain.pk
        assert api.released_plan().run.plan["x"]


def test_nothing_is_in_force_before_the_first_release(aurora):
    solved(aurora)
    with aurora.acting():
        assert api.released_plan() is None


def test_decisions_and_releases_never_change_nor_go(aurora):
    released(aurora)
    with aurora.acting():
        for rows, change in (
            (PlanDecision.objects, {"is_approved": False}),
            (PlanRelease.objects, {"number": 7}),
        ):
            assert rows.update(**change) == 0
            assert rows.all().delete()[0] == 0
            assert rows.count() == 1


def test_outsider_decides_releases_and_reads_nothing(aurora, cassia):
    run_id = solved(aurora)
    release = released(aurora)
    client = cassia.client()
    assert client.get(RELEASES).json()["results"] == []
    for address in (
        f"{RELEASES}/{release.pk}",
        f"{RELEASES}/{release.pk}/verify",
        f"{RELEASES}/{release.pk}/document",
        f"{PLANS}/{run_id}/decision",
    ):
        assert client.get(address).status_code == 404, address
    for step, body in (("approve", {}), ("reject", {"reason": "x"}), ("release", {})):
        assert client.post(f"{PLANS}/{run_id}/{step}", body).status_code == 404, step
    assert told(cassia, "plan.released") == []
    with pytest.raises(ProgrammingError, match="row-level security"), cassia.acting():
        PlanRelease.objects.create(
            tenant_id=aurora.id, run_id=run_id, number=9, digest="0" * 64, released_by=cassia.user
        )


def test_numbers_of_two_organisations_do_not_meet(aurora, borealis):
    assert [released(each).number for each in (aurora, borealis, aurora)] == [1, 1, 2]


# At once ------------------------------------------------------------------------------------------------------------


def outcome_of(call, *args):
    try:
        return call(*args)
    except Conflict as refusal:
        return refusal


def test_releases_at_once_take_numbers_without_gap_or_twin(aurora):
    run_ids, gate = [approved(aurora) for _ in range(5)], Barrier(5)

    def release(run_id):
        with aurora.acting():
            run = run_of(run_id)
            gate.wait(60)
            return actions.release_plan(run=run).number

    assert sorted(at_once(*[lambda r=r: release(r) for r in run_ids])) == [1, 2, 3, 4, 5]
    assert sorted(body["release"] for body in told(aurora, "plan.released")) == [1, 2, 3, 4, 5]


def test_one_plan_released_twice_at_once_is_released_once(aurora):
    run_id, gate = approved(aurora), Barrier(4)

    def release():
        with aurora.acting():
            run = run_of(run_id)
            gate.wait(60)
            return actions.release_plan(run=run).number

    outcomes = at_once(*[lambda: outcome_of(release)] * 4)
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [1]
    assert {str(outcome) for outcome in outcomes if isinstance(outcome, Conflict)} == {
        "The plan is released already, as number 1."
    }
    assert released(aurora).number == 2


def test_number_of_a_release_that_was_rolled_back_is_given_again(aurora):
    run_id = approved(aurora)
    with pytest.raises(ZeroDivisionError), aurora.acting():
        assert actions.release_plan(run=run_of(run_id)).number == 1
        1 / 0  # noqa: B018
    assert released(aurora).number == 1
    assert len(told(aurora, "plan.released")) == 1


def test_of_decisions_at_once_exactly_one_counts(aurora):
    run_id, gate = solved(aurora), Barrier(4)
    people = [colleague(aurora) for _ in range(4)]

    def decide(n):
        with people[n].acting():
            run = run_of(run_id)
            gate.wait(60)
            return actions.decide(run=run, is_approved=n % 2 == 0, reason=str(n)).reason

    outcomes = at_once(*[lambda n=n: outcome_of(decide, n) for n in range(4)])
    won = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(won) == 1
    with aurora.acting():
        assert PlanDecision.objects.get(run=run_id).reason == won[0]
    assert len(told(aurora, "plan.approved") + told(aurora, "plan.rejected")) == 1
