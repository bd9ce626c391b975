"""When the parts of several organisations don't make a plan: who is told what. The worker's steps run here, in turn."""

from functools import partial
from uuid import UUID

import pytest

from optimization import actions
from optimization.data import SolveOptions
from optimization.joint import solving
from optimization.models import JointPart, PlanRun, PlanShare
from optimization.outcome import Outcome, PlanStatus
from optimization.solver import solve
from tenants.api import as_platform
from tests.integration.optimization.joint_scenes import WHO, scene
from tests.unit.optimization import joint_documents as documents


def taken_up(made):
    """The run of a solve asked for now, in this process's hands."""
    answer = made.act("aurora", "solve")
    assert answer.status_code == 202, answer.content
    with made.organisations["aurora"].acting():
        return actions.take_up(run_id=UUID(answer.json()["id"]))


def judged(made, run):
    door = partial(solve, options=SolveOptions(gap=0.01, time_limit_s=10))
    return solving.joint_outcome(made.organisations["aurora"].actor(), run, door)


def released(made, run, outcome):
    with made.organisations["aurora"].acting():
        return solving.finish(run=run, outcome=outcome, solver="test")


def ended(made):
    run = taken_up(made)
    assert released(made, run, judged(made, run))
    return made.clients["aurora"].get(f"/api/v1/plans/{run.pk}").json()


def told(made):
    """The words of everybody's newest share."""
    shares = {who: made.shares(who)[0] for who in WHO}
    assert {(share["status"], share["cost_usd"]) for share in shares.values()} == {("failed", None)}
    return {who: " ".join([share["message"], *share["explanation"]]) for who, share in shares.items()}


def test_part_with_another_digest_is_not_solved_and_its_bringer_is_named():
    made = scene()
    made.bring_all()
    with as_platform("tests", "spoil a part"):
        delta = made.organisations["delta"].id
        row = JointPart.objects.get(tenant=delta)
        row.document["demands"][0]["D"] = [1.0, 1.0]
        assert JointPart.objects.filter(pk=row.pk).update(document=row.document) == 1
    body = ended(made)
    assert body["status"] == "failed"
    assert body["message"].startswith("The part of Delta is not the one that it brought: version 1 has another digest")
    assert set(told(made).values()) == {"No plan was made."}


def test_lane_brought_by_both_ends_is_told_to_both_and_named_to_nobody_else():
    made = scene()
    own = documents.parts(made.document)
    made.bring("aurora")
    made.bring("borealis", own["borealis"] | {"mill_lanes": own["aurora"]["mill_lanes"][:1]})
    made.bring("delta")
    body = ended(made)
    assert (body["status"], body["report"]) == ("failed", None)
    assert body["message"] == "The parts don't fit together: see Aurora, Borealis, whose share says why."
    words = told(made)
    assert "/mill_lanes/0: is brought by the other end too" in words["aurora"]
    assert "/mill_lanes/0: is brought by the other end too" in words["borealis"]
    assert words["delta"] == solving.NOT_YOURS


def test_demand_that_nobody_can_serve_is_told_to_who_brought_it():
    made = scene()
    own = documents.parts(made.document)
    made.bring("aurora")
    lanes = [lane for lane in own["borealis"]["user_lanes"] if lane["user"] == "Steelworks"]
    made.bring("borealis", own["borealis"] | {"user_lanes": lanes})
    made.bring("delta")
    body = ended(made)
    assert body["message"] == "The parts don't fit together: see Delta, whose share says why."
    words = told(made)
    assert "no centre has a lane from its mine and one to its user" in words["delta"]
    assert words["aurora"] == words["borealis"] == solving.NOT_YOURS


def test_nobody_bringing_a_lane_is_said_without_a_culprit():
    made = scene()
    own = documents.parts(made.document)
    made.bring("aurora", {"mines": own["aurora"]["mines"]})
    made.bring("borealis")
    made.bring("delta")
    assert ended(made)["message"] == "The parts make no plan: nobody brings any mill lanes."
    assert set(told(made).values()) == {"No plan was made."}


@pytest.mark.parametrize("joins_again", [False, True])
@pytest.mark.parametrize("is_solved_first", [False, True])
def test_who_withdraws_before_the_end_is_not_planned_with(is_solved_first, joins_again):
    made = scene()
    made.bring_all()
    run = taken_up(made)
    outcome = judged(made, run) if is_solved_first else None
    assert made.act("borealis", "withdraw").status_code == 200
    if joins_again:
        assert made.bring("borealis").status_code == 201
    outcome = outcome or judged(made, run)
    assert outcome.status is (PlanStatus.SOLVED if is_solved_first else PlanStatus.FAILED)
    assert released(made, run, outcome)
    body = made.clients["aurora"].get(f"/api/v1/plans/{run.pk}").json()
    assert (body["status"], body["message"]) == ("failed", "Borealis withdrew its part before the plan was solved.")
    assert set(told(made).values()) == {"No plan was made."}


def test_new_version_does_not_disturb_the_plan_under_way():
    made = scene()
    made.bring_all()
    run = taken_up(made)
    made.bring("delta")
    assert released(made, run, judged(made, run))
    assert {made.shares(who)[0]["status"] for who in WHO} == {"solved"}


def test_result_that_comes_too_late_gives_nobody_a_share():
    made = scene()
    made.bring_all()
    run = taken_up(made)
    outcome = judged(made, run)
    with made.organisations["aurora"].acting():
        PlanRun.objects.filter(pk=run.pk).update(attempt=2)
    assert not released(made, run, outcome)
    assert not any(made.shares(who) for who in WHO)
    run.attempt = 2
    assert released(made, run, outcome)
    with made.organisations["delta"].acting():
        assert PlanShare.objects.count() == 1


def test_plan_that_workers_gave_up_is_told_to_everybody():
    made = scene()
    made.bring_all()
    run = taken_up(made)
    assert released(made, run, Outcome(PlanStatus.FAILED, "Given up."))
    assert set(told(made).values()) == {"No plan was made."}
