"""What follows by itself: once for each event, by rows alone, with the rights of who switched it on."""

from contextvars import Context
from datetime import UTC, datetime
from functools import partial

import pytest

from edge_bridge.alarms.actions import take_out_of_service
from edge_bridge.protocol import Lane
from marketplace import actions as posting
from marketplace.acceptance import AcceptanceRule
from marketplace.models import Claim, ReactionSwitch, ServiceTask, Submission
from marketplace.reactions import actions, drafts
from marketplace.reactions.data import RULES
from marketplace.reactions.tasks import sweep_reactions
from optimization import actions as planning
from optimization.outcome import Outcome as PlanOutcome
from optimization.outcome import PlanStatus
from tenants.api import announce
from tenants.context import as_platform
from tenants.data import Event, Forbidden, Invalid, NotFound
from tenants.feed.kinds import KINDS
from tenants.models import FeedEvent, FeedHead, LedgerEntry, Membership, new_id
from tests.integration.edge.scenes import cleared, gateway, opened, raised, the_alarm
from tests.integration.edge.test_trends import sent
from tests.integration.marketplace.contract_scenes import submitted as contract_submitted
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.reactions import made, owed_to, swept, switch_on
from tests.integration.marketplace.scenes import claimed, published, submitted, terms
from tests.integration.optimization import documents
from tests.together import at_once

URL = "/api/v1/reaction-switches"
REPAIR = {"rule": "(2) mining ability", "place": ["mine 1"], "period": "period 2", "amount": 4200.0, "unit": "t"}
WORDS = ["not feasible: 4.2 kt short", "cheapest repair: 4.2 kt more mining ability"]
INSIGHT = {"words": WORDS, "diagnosis": {"repairs": [REPAIR | {"usd": 61_000.004}], "repair_usd": 61_000.004}}


def kinds(party, like: str) -> list[str]:
    with party.acting():
        return list(FeedEvent.objects.filter(kind__startswith=like).order_by("seq").values_list("kind", flat=True))


def entered(party, kind: str) -> int:
    with party.acting():
        return LedgerEntry.objects.filter(kind=kind).count()


def test_every_rule_waits_for_a_kind_of_event_that_there_is():
    assert {kind for rule in RULES.values() for kind in rule.kinds} <= KINDS.keys()
    assert RULES.keys() == drafts.DRAFTS.keys() == drafts.SUBJECTS.keys()


def test_critical_alarm_becomes_one_draft_with_its_evidence(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P1, raised())
    switch_on(aurora, "critical_alarm")
    assert swept(aurora) == 0, "what happened before it was switched on is nobody's wish"
    edge.say(Lane.P1, raised(code="FAN-01", tag="speed", alarm_type="fan_stopped"))
    edge.say(Lane.P1, raised(severity="high", code="PUMP-07"), raised(alarm_type="late", historical=True))
    assert swept(aurora) == 1 and swept(aurora) == 0
    (reaction,) = made(aurora)
    assert (reaction.outcome, reaction.task.state, reaction.task.title) == ("done", "draft", "fan_stopped at FAN-01")
    assert reaction.task.snapshot["evidence"]["alarm"]["alarm"] == str(reaction.subject_id)
    assert reaction.task.created_by_id == aurora.user.pk and reaction.task.opens == ["view_alarms", "view_telemetry"]
    assert kinds(aurora, "task.") == ["task.drafted"] and entered(aurora, "task.drafted") == 1
    edge.say(Lane.P1, cleared(code="FAN-01", tag="speed", alarm_type="fan_stopped"))
    edge.say(Lane.P1, raised(code="FAN-01", tag="speed", alarm_type="fan_stopped"))
    assert swept(aurora) == 1 and made(aurora)[1].outcome == "known" and made(aurora)[1].task == reaction.task


@pytest.mark.parametrize("silenced", [False, True])
def test_alarm_that_grows_critical_becomes_one_draft(aurora, silenced):
    edge = gateway(aurora)
    switch_on(aurora, "critical_alarm")
    edge.say(Lane.P1, raised(severity="high"))
    if silenced:
        alarm = the_alarm(aurora)
        with aurora.acting():
            take_out_of_service(alarm=alarm, reason="sensor on the bench")
    edge.say(Lane.P1, raised(1.4, severity="high"))
    assert swept(aurora) == 0
    edge.say(Lane.P1, raised(3.0, severity="critical"))
    edge.say(Lane.P1, raised(3.1, severity="critical"))
    assert swept(aurora) == 1
    (reaction,) = made(aurora)
    assert reaction.outcome == "done" and reaction.task.title == "ch4.hi at GAS-T0-01"
    with aurora.acting():
        posting.cancel_task(task=reaction.task)
    edge.say(Lane.P1, raised(3.2, severity="critical"))
    assert swept(aurora) == 0, "it did not grow once more"


def test_alarm_that_was_critical_before_it_was_switched_on_is_left_alone_until_it_is_raised_anew(aurora):
    edge = gateway(aurora)
    edge.say(Lane.P1, raised(severity="critical"))
    switch_on(aurora, "critical_alarm")
    for value in (3.1, 3.2):
        edge.say(Lane.P1, raised(value, severity="critical"))
        swept(aurora)
    (reaction,) = made(aurora)
    assert (reaction.outcome, reaction.task) == ("nothing", None) and "before" in reaction.words
    edge.say(Lane.P1, cleared(), raised(3.3, severity="critical"))
    assert swept(aurora) == 1 and made(aurora)[1].outcome == "done"


def test_switch_of_a_site_leaves_alarms_of_other_sites_alone(aurora):
    with aurora.acting():
        actions.set_reaction(reaction="critical_alarm", is_on=True, site_id=aurora.sites["north-mill"].pk)
    gateway(aurora).say(Lane.P1, raised())
    assert swept(aurora) == 0 and made(aurora) == []


def infeasible(owner, insight) -> None:
    """A plan as a worker ends it that found none."""
    with owner.acting():
        run = planning.request_plan(name="May", instance=documents.infeasible(), options={})
    with owner.acting():
        taken = planning.take_up(run_id=run.pk)
        outcome = PlanOutcome(PlanStatus.INFEASIBLE, "No plan fits.", insight=insight)
        assert planning.finish(run_id=run.pk, attempt=taken.attempt, outcome=outcome, solver="test")


def test_cheapest_repair_of_an_infeasible_plan_becomes_a_draft_with_its_price_as_budget(aurora):
    switch_on(aurora, "plan_infeasible")
    infeasible(aurora, INSIGHT)
    assert swept(aurora) == 1
    task = made(aurora)[0].task
    assert (task.title, task.category) == ("Make the plan feasible: May", "engineering_construction")
    assert (task.fee_minor, task.currency, task.site_id) == (6_100_000, "USD", aurora.sites["north"].pk)
    assert task.description.splitlines() == WORDS
    assert task.snapshot["evidence"]["plan"]["repair_usd"] == 61_000.004


def test_plan_without_a_known_repair_is_refused_in_words_and_not_asked_again(aurora):
    switch_on(aurora, "plan_infeasible")
    infeasible(aurora, {"words": [], "diagnosis": None})
    assert swept(aurora) == 1 and swept(aurora) == 0
    (reaction,) = made(aurora)
    assert reaction.outcome == "refused" and reaction.task is None and "No repair" in reaction.words


def test_grades_that_no_longer_hold_become_the_draft_of_a_new_plan(aurora):
    switch_on(aurora, "grades_drifted")
    of = {"set": str(new_id()), "batch": str(new_id()), "name": "May", "version": 2}
    body = {**of, "is_holding": False, "words": ["mine 1: poorer"]}
    with aurora.acting():
        announce(Event(kind="grades.drifted", body=body, permission="view_plans"))
    assert swept(aurora) == 1
    task = made(aurora)[0].task
    assert (task.category, task.description) == ("planning", "mine 1: poorer")
    assert task.title == "Plan anew: the grades May 2 no longer hold"
    assert task.snapshot["evidence"] == {"grades": {name: body[name] for name in body if name != "is_holding"}}


def accepted_by(rule: AcceptanceRule, owner) -> ServiceTask:
    """A published task with this rule."""
    with owner.acting():
        task = posting.post_task(terms=terms(), equipment_id=owner.equipment["PUMP-07"].pk)
        ServiceTask.objects.filter(pk=task.pk).update(acceptance=rule.to_document())
        task.refresh_from_db()
        posting.publish_task(task=task)
    return task


def test_reported_work_gets_its_evidence_in_the_ledgers_and_feeds_of_both(aurora, borealis, cassia):
    sent(aurora, [2.0] * 360, tag="vibration", unit="mm/s")
    rule = AcceptanceRule.from_document({"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 5})
    task = accepted_by(rule, aurora)
    claim = claimed(task, borealis)
    submitted(task, borealis)
    with borealis.acting():
        kept = Claim.objects.get(pk=claim.pk).evidence
    assert kept["words"] == "vibration below 4.5 mm/s for 5 h" and not kept["passed"]
    for party in (aurora, borealis):
        assert entered(party, "task.evidence") == 1
        with party.acting():
            assert FeedEvent.objects.get(kind="task.evidence").body["evidence"] == kept
    assert kinds(cassia, "task.evidence") == [] and entered(cassia, "task.evidence") == 0
    with aurora.acting():
        assert ServiceTask.objects.get(pk=task.pk).state == "submitted", "the owner still decides"


def test_work_under_a_contract_gets_its_evidence_on_the_feeds_of_both(aurora, borealis, cassia):
    sent(aurora, [2.0] * 360, tag="vibration", unit="mm/s")
    rule = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 5}
    contract = written(aurora, borealis, acceptance=rule, milestones=[])
    contract_submitted(borealis, contract)
    with borealis.acting():
        kept = Submission.objects.get().evidence
    assert kept["words"] == "vibration below 4.5 mm/s for 5 h" and not kept["passed"]
    for party in (aurora, borealis):
        with party.acting():
            event = FeedEvent.objects.get(kind="task.evidence")
            assert (event.body["evidence"], event.body["task"]) == (kept, str(contract.task_id))
    assert kinds(cassia, "task.evidence") == []


def test_work_without_a_rule_of_acceptance_has_no_evidence(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    assert kinds(aurora, "task.evidence") == [] and entered(aurora, "task.submitted") == 1


def test_submission_is_evidence_in_one_place_and_no_reaction_beside_it():
    assert {rule.kind for rule in RULES.values()}.isdisjoint({"task.submitted", "task.evidence"})


def test_worker_that_dies_before_its_commit_leaves_the_event_owed(aurora, monkeypatch):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised())

    def die(*args):
        raise KeyboardInterrupt

    monkeypatch.setitem(drafts.DRAFTS, "critical_alarm", die)
    with pytest.raises(KeyboardInterrupt):
        swept(aurora)
    monkeypatch.undo()
    assert made(aurora) == [] and swept(aurora) == 1 and made(aurora)[0].outcome == "done"


def test_event_that_can_not_be_reacted_to_keeps_no_other_waiting(aurora, monkeypatch):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, *(raised(alarm_type=f"hot.{n}") for n in range(3)))
    right, turn = drafts.DRAFTS["critical_alarm"], iter(range(3))

    def faulty(*given):
        if next(turn) == 1:
            raise KeyError("site")
        return right(*given)

    monkeypatch.setitem(drafts.DRAFTS, "critical_alarm", faulty)
    assert swept(aurora) == 3 and swept(aurora) == 0
    assert [row.outcome for row in made(aurora)] == ["done", "failed", "done"]
    assert "Do it by hand" in made(aurora)[1].words


def test_two_sweeps_at_once_react_once(aurora):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised())
    both = owed_to(aurora) * 2

    assert sorted(at_once(*[partial(Context().run, actions.react, *owed) for owed in both])) == [0, 1]
    assert len(made(aurora)) == 1


def test_more_events_than_a_page_are_all_reacted_to(aurora, monkeypatch):
    monkeypatch.setattr(actions, "PAGE", 2)
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, *(raised(alarm_type=f"hot.{n}") for n in range(5)))
    assert [swept(aurora) for _ in range(3)] == [2, 2, 1]
    assert len({reaction.subject_id for reaction in made(aurora)}) == 5


def test_it_acts_with_the_rights_that_who_switched_it_on_has_now(aurora):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised())
    with aurora.acting():
        Membership.objects.filter(user=aurora.user).update(roles=["viewer"])
    assert swept(aurora) == 0 and owed_to(aurora) == []
    (reaction,) = made(aurora)
    assert reaction.outcome == "refused" and reaction.task is None and "has left" in reaction.words
    assert kinds(aurora, "reaction.") == ["reaction.disabled"]
    with aurora.acting():
        assert not ReactionSwitch.objects.get(reaction="critical_alarm").is_on
    assert entered(aurora, "reaction.switched") == 2


def test_all_that_a_reaction_owed_when_it_went_off_is_refused(monkeypatch, aurora):
    monkeypatch.setattr(actions, "PAGE", 1)
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised(), raised(code="FAN-01", tag="speed", alarm_type="fan_stopped"))
    with as_platform("tests", "another role"):
        Membership.objects.filter(tenant=aurora.id, user=aurora.user).update(roles=["finance"])
    assert swept(aurora) == 0 and [each.outcome for each in made(aurora)] == ["refused", "refused"]


def test_reaction_of_somebody_who_has_left_goes_off_and_says_so(aurora):
    switch = switch_on(aurora, "critical_alarm")
    with as_platform("tests", "somebody leaves"):
        Membership.objects.filter(tenant=aurora.id, user=aurora.user).delete()
    gateway(aurora).say(Lane.P1, raised(severity="high"))
    assert swept(aurora) == 0 and made(aurora) == [] and owed_to(aurora) == []
    with aurora.acting():
        (told,) = FeedEvent.objects.filter(kind="reaction.disabled")
        assert told.body["reaction"] == "critical_alarm" and told.body["site"] == str(switch.site_id)


def test_after_a_restore_nothing_is_told_twice(aurora):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised())
    with as_platform("tests", "another log"):
        FeedHead.objects.filter(tenant=aurora.id).update(epoch=new_id())
    assert swept(aurora) == 0
    gateway(aurora).say(Lane.P1, raised(code="FAN-01"))
    assert swept(aurora) == 1


def test_task_of_celery_works_off_what_is_owed(aurora):
    switch_on(aurora, "critical_alarm")
    gateway(aurora).say(Lane.P1, raised())
    sweep_reactions.apply(throw=True)
    assert len(made(aurora)) == 1


def test_partner_whose_alarm_it_is_not_reacts_to_nothing(aurora, borealis):
    opened(aurora, borealis, "view_alarms")
    with borealis.acting():
        actions.set_reaction(reaction="critical_alarm", is_on=True)
    gateway(aurora).say(Lane.P1, raised())
    assert "alarm.raised" in kinds(borealis, "alarm.")
    assert swept(borealis) == 0 and made(borealis) == []


def test_switching_is_for_managers_who_may_post_tasks_and_for_own_sites(aurora, cassia):
    north = aurora.sites["north"].pk
    with aurora.acting("operator"), pytest.raises(Forbidden):
        actions.set_reaction(reaction="critical_alarm", is_on=True)
    with aurora.acting(), pytest.raises(NotFound):
        actions.set_reaction(reaction="gossip", is_on=True)
    with aurora.acting(), pytest.raises(Invalid, match="which site"):
        actions.set_reaction(reaction="grades_drifted", is_on=True)
    with cassia.acting(), pytest.raises(NotFound):
        actions.set_reaction(reaction="critical_alarm", is_on=True, site_id=north)


def test_key_that_may_not_post_tasks_switches_nothing(aurora):
    wish = {"reaction": "critical_alarm", "is_on": True}
    assert aurora.client(["manage", "view_tasks"]).put(URL, wish).status_code == 403
    assert aurora.client(["manage", "view_tasks", "post_tasks"]).put(URL, wish).status_code == 200


def test_switches_are_set_and_read_over_http_by_their_organisation_alone(aurora, cassia):
    client, north = aurora.client(), str(aurora.sites["north"].pk)
    assert {row["is_on"] for row in client.get(URL).json()} == {False}
    before = datetime.now(UTC)
    answer = client.put(URL, {"reaction": "critical_alarm", "is_on": True, "site": north})
    assert answer.status_code == 200
    row = next(row for row in client.get(URL).json() if row["reaction"] == "critical_alarm")
    assert (row["is_on"], row["site"], row["site_name"]) == (True, north, "Aurora North")
    assert row["set_by"] == "Aurora owner" and datetime.fromisoformat(row["set_at"]) >= before
    gateway(aurora).say(Lane.P1, raised())
    assert swept(aurora) == 1
    (told,) = client.get("/api/v1/reactions").json()["results"]
    assert (told["reaction"], told["outcome"]) == ("critical_alarm", "done") and told["task"]
    assert cassia.client().get("/api/v1/reactions").json()["results"] == []
    assert {row["is_on"] for row in cassia.client().get(URL).json()} == {False}
    off = {"reaction": "critical_alarm", "is_on": False}
    assert client.put(URL, off, headers={"If-Match": '"older"'}).status_code == 412
    assert client.put(URL, off, headers={"If-Match": client.get(URL)["ETag"]}).status_code == 200
    gateway(aurora).say(Lane.P1, raised(code="FAN-01"))
    assert owed_to(aurora) == []
