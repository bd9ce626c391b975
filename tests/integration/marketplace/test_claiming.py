"""A task from its posting to its end: who may do what, what opens, what closes, and who is told."""

import json
from datetime import timedelta

import pytest

from edge_bridge import api as edge
from edge_bridge.models import Alarm
from marketplace import access, actions, queries
from marketplace.models import Claim, Contract, Inspection
from marketplace.tasks import sweep_lapsed_claims
from tenants.access import get_equipment, get_site, granted
from tenants.agreements.actions import end_agreement, resume_agreement, suspend_agreement
from tenants.api import acting_as, as_platform
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.ledger.api import entries_where
from tenants.models import FeedEvent, LedgerEntry, Signature, Tenant
from tests.integration.marketplace.scenes import (
    OPENS,
    alarm_of,
    answer_over,
    claimed,
    lease_over,
    published,
    state_of,
    submitted,
    terms,
    told,
)

LIFE = [("task.published", "open"), ("task.claimed", "claimed"), ("task.submitted", "submitted")]


def sees_pump(firm, owner):
    """Whether the firm can get the pump and its telemetry now; both doors must agree."""
    pump = owner.equipment["PUMP-07"].pk
    with firm.acting():
        by_grant = pump in granted("equipment", "view_telemetry")
        try:
            by_access = get_equipment(pump, needs="view_telemetry").pk == pump
        except NotFound:
            by_access = False
    assert by_grant == by_access
    return by_grant


def accept(task, owner):
    with owner.acting():
        actions.accept_work(task=access.get_own_task(task.pk))


def release(task, firm, token=1):
    with firm.acting():
        actions.release_claim(claim=access.get_claim(task.pk, token))


def test_data_opens_at_the_claim_and_closes_at_acceptance(aurora, borealis, cassia):
    task = published(aurora, alarm_id=alarm_of(aurora).pk)
    assert not sees_pump(borealis, aurora)
    claimed(task, borealis)
    assert sees_pump(borealis, aurora)
    assert not sees_pump(cassia, aurora)
    with borealis.acting():
        assert edge.get_alarm(task.alarm_id).alarm_type == "vibration_high"
        assert [row.tag for row in edge.series_of(aurora.equipment["PUMP-07"])] == ["vibration"]
        with pytest.raises(NotFound):
            get_equipment(aurora.equipment["FAN-01"].pk, needs="view_telemetry")
        with pytest.raises(NotFound):
            get_equipment(aurora.equipment["PUMP-07"].pk, needs="send_commands")
    submitted(task, borealis)
    assert sees_pump(borealis, aurora)
    accept(task, aurora)
    assert not sees_pump(borealis, aurora)
    with borealis.acting(), pytest.raises(NotFound):
        edge.get_alarm(task.alarm_id)
    assert state_of(task, aurora) == "closed"


def test_data_closes_at_release_and_the_next_firm_gets_it(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    release(task, borealis)
    assert not sees_pump(borealis, aurora)
    assert state_of(task, aurora) == "open"
    assert claimed(task, cassia).token == 2
    assert sees_pump(cassia, aurora) and not sees_pump(borealis, aurora)


def test_lapsed_lease_reopens_the_task_and_closes_the_data(aurora, borealis, cassia):
    task = published(aurora)
    lease_over(claimed(task, borealis))
    actions.lapse_claims()
    assert not sees_pump(borealis, aurora)
    assert state_of(task, aurora) == "open"
    with aurora.acting():
        claim = Claim.objects.get(task=task)
        assert (claim.state, claim.agreement.status) == ("lapsed", "terminated")
    assert told(aurora)[-1] == told(borealis)[-1] == ("task.reopened", "open")
    assert claimed(task, cassia).token == 2


def test_sweep_leaves_running_and_submitted_claims_alone(aurora, borealis):
    running, handed_in = published(aurora), published(aurora)
    claimed(running, borealis)
    claim = claimed(handed_in, borealis)
    submitted(handed_in, borealis)
    lease_over(claim)
    actions.lapse_claims()
    actions.lapse_claims()
    assert (state_of(running, aurora), state_of(handed_in, aurora)) == ("claimed", "submitted")


def test_work_handed_in_after_the_lease_is_refused_before_any_sweep(aurora, borealis):
    task = published(aurora)
    lease_over(claimed(task, borealis))
    with pytest.raises(Conflict, match="lease was over"):
        submitted(task, borealis)
    assert state_of(task, aurora) == "claimed"


def test_lease_and_window_are_as_long_as_offered_by_the_databases_clock(aurora, borealis):
    claim = claimed(published(aurora), borealis)
    assert claim.lease_until - claim.claimed_at == timedelta(hours=48)
    with borealis.acting():
        clause = claim.agreement.clauses.get()
        assert claim.claimed_at <= queries.database_time()
    assert (clause.during.lower, clause.during.upper) == (claim.claimed_at, claim.lease_until)
    assert clause.permissions == sorted(OPENS)


def signatures(agreement_id, party):
    with party.acting():
        rows = Signature.objects.filter(agreement=agreement_id).order_by("pk")
        return [(row.party_id, row.user_name, row.via) for row in rows]


def test_offer_and_claim_are_the_signatures_of_the_agreement(aurora, borealis):
    task = published(aurora)
    first = claimed(task, borealis)
    offered = (aurora.id, "Aurora owner", "offer")
    taken = [offered, (borealis.id, "Borealis owner", "test:direct")]
    assert signatures(first.agreement_id, aurora) == signatures(first.agreement_id, borealis) == taken
    submitted(task, borealis)
    with aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk))
    with borealis.acting():
        again = access.get_claim(task.pk, first.token).agreement_id
    assert signatures(again, borealis) == [offered, (borealis.id, "", "claim")]


def test_rework_renews_lease_and_data_by_a_new_agreement(aurora, borealis):
    task = published(aurora)
    first = claimed(task, borealis)
    submitted(task, borealis)
    lease_over(first)
    with pytest.raises(Invalid, match="note"), aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk), note="x" * 2_001)
    with aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk), note="still noisy")
    for party in (aurora, borealis):
        with party.acting():
            entry = LedgerEntry.objects.get(kind="task.reopened", subject_id=task.pk)
            event = FeedEvent.objects.get(kind="task.reopened", body__task=str(task.pk))
        assert json.loads(entry.payload)["reason"] == event.body["reason"] == "still noisy"
    with borealis.acting():
        again = access.get_claim(task.pk, first.token)
        assert again.lease_until > first.lease_until
        assert (again.agreement.status, again.rework_note) == ("active", "still noisy")
        assert again.agreement_id != first.agreement_id
    assert sees_pump(borealis, aurora)
    submitted(task, borealis)
    accept(task, aurora)
    assert not sees_pump(borealis, aurora)
    rework = [("task.reopened", "claimed"), ("task.submitted", "submitted"), ("task.accepted", "closed")]
    assert told(borealis) == told(aurora) == [*LIFE, *rework]


def reject(task, owner, reason="the seal leaks"):
    with owner.acting():
        actions.reject_work(task=access.get_own_task(task.pk), reason=reason)


def entered(party, kind):
    """What the newest entry of a kind says in the party's ledger."""
    with party.acting():
        return json.loads(entries_where(kind=kind).first().payload)


def test_rejected_work_ends_the_claim_owes_nothing_and_opens_the_task_again(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    for reason in (" ", "x" * 2_001):
        with pytest.raises(Invalid, match="reason won't do"):
            reject(task, aurora, reason)
    reject(task, aurora)
    assert state_of(task, aurora) == "open"
    assert not sees_pump(borealis, aurora)
    with aurora.acting():
        claim = Claim.objects.get(task=task)
        assert (claim.state, claim.agreement.status) == ("rejected", "terminated")
        assert not Contract.objects.filter(task=task).exists()
    for party in (aurora, borealis):
        assert told(party)[-1] == ("task.rejected", "open")
        said = entered(party, "task.rejected")
        assert (said["reason"], said["claim"], said["status"]) == ("the seal leaks", str(claim.pk), "open")
        with party.acting():
            assert FeedEvent.objects.get(kind="task.rejected").body["reason"] == "the seal leaks"
    with pytest.raises(Conflict, match="claim has ended"), borealis.acting():
        access.get_claim(task.pk, 1)
    assert claimed(task, cassia).token == 2


def test_only_work_that_was_handed_in_is_rejected_and_by_its_owner_alone(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    with pytest.raises(Conflict, match="claimed can't take 'reject'"):
        reject(task, aurora)
    submitted(task, borealis)
    with pytest.raises(NotFound):
        reject(task, borealis)
    accept(task, aurora)
    with pytest.raises(Conflict, match="closed can't take 'reject'"):
        reject(task, aurora)


def test_owner_who_says_nothing_has_accepted(aurora, borealis):
    waiting, task = published(aurora), published(aurora)
    for each in (waiting, task):
        claim = claimed(each, borealis)
        submitted(each, borealis)
    with borealis.acting():
        before = queries.database_time()
        until = access.get_claim(task.pk, 1).answer_until
    assert timedelta(days=7) - timedelta(minutes=1) < until - before < timedelta(days=7)
    lease_over(claim)
    actions.accept_unanswered()
    assert state_of(task, aurora) == "submitted"
    answer_over(claim)
    sweep_lapsed_claims.apply().get()
    actions.accept_unanswered()
    assert (state_of(task, aurora), state_of(waiting, aurora)) == ("closed", "submitted")
    silence = "Nobody answered within 7 days."
    for party in (aurora, borealis):
        assert told(party)[-1] == ("task.accepted", "closed")
        assert entered(party, "task.accepted")["reason"] == silence
        with party.acting():
            contract = Contract.objects.get(task=task)
            assert (contract.firm_id, contract.price_minor, contract.state) == (borealis.id, 250_000, "fulfilled")
            assert Inspection.objects.get(contract=contract).reason == silence


def test_rework_stops_the_time_for_an_answer_and_a_new_submission_begins_it_anew(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    submitted(task, borealis)
    answer_over(claim)
    with aurora.acting():
        actions.request_rework(task=access.get_own_task(task.pk))
    with borealis.acting():
        assert access.get_claim(task.pk, 1).answer_until is None
    actions.accept_unanswered()
    assert state_of(task, aurora) == "claimed"
    submitted(task, borealis)
    actions.accept_unanswered()
    assert state_of(task, aurora) == "submitted"


def extend(task, owner, hours=24, roles=("owner",)):
    with owner.acting(*roles):
        actions.extend_claim(task=access.get_own_task(task.pk), hours=hours)


def test_owner_gives_more_time_and_the_data_goes_on_under_the_agreement_that_follows(aurora, borealis):
    task = published(aurora)
    first = claimed(task, borealis)
    extend(task, aurora)
    with borealis.acting():
        longer = access.get_claim(task.pk, first.token)
        clause = longer.agreement.clauses.get()
    assert longer.lease_until == clause.during.upper == first.lease_until + timedelta(hours=24)
    assert longer.agreement_id != first.agreement_id and sees_pump(borealis, aurora)
    with aurora.acting():
        first.agreement.refresh_from_db()
        assert (first.agreement.status, first.agreement.end_reason) == ("terminated", "extended under a new agreement")
    for party in (aurora, borealis):
        said = entered(party, "task.extended")
        assert (said["agreement"], said["lease_until"]) == (str(longer.agreement_id), longer.lease_until.isoformat())
        assert told(party)[-1] == ("task.extended", "claimed")
    submitted(task, borealis)
    with pytest.raises(Conflict, match="while its task is claimed"):
        extend(task, aurora)


def test_lease_that_is_over_is_not_extended_nor_by_more_than_the_role_may_open(aurora, borealis):
    task = published(aurora, terms=terms(opens=("manage",)), equipment_id=aurora.equipment["PUMP-07"].pk)
    with pytest.raises(Conflict, match="while its task is claimed"):
        extend(task, aurora)
    claim = claimed(task, borealis)
    for hours in (0, 24 * 366 + 1):
        with pytest.raises(Invalid, match="hours won't do"):
            extend(task, aurora, hours)
    with pytest.raises(Invalid, match="manage"):
        extend(task, aurora, roles=("operator",))
    with pytest.raises(NotFound):
        extend(task, borealis)
    lease_over(claim)
    with pytest.raises(Conflict, match="lease was over"):
        extend(task, aurora)


def test_both_parties_are_told_in_order_and_others_only_of_the_offer(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    accept(task, aurora)
    assert told(aurora) == told(borealis) == [*LIFE, ("task.accepted", "closed")]
    assert told(cassia) == LIFE[:1]
    rights = [("rights.agreement_activated", "active"), ("rights.agreement_ended", "terminated")]
    assert told(borealis, "rights.") == told(aurora, "rights.") == rights
    assert told(cassia, "rights.") == []


def test_body_of_an_event_has_the_agreed_keys(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    with aurora.acting():
        from tenants.queries import feed_events

        offer, taken = feed_events(after=0).filter(kind__startswith="task.").values_list("body", flat=True)
    keys = {"task", "title", "status", "owner", "owner_name", "equipment_code", "category"}
    assert set(offer) == keys
    assert set(taken) == keys | {"claimant", "claimant_name"}
    assert (taken["owner_name"], taken["claimant_name"], taken["equipment_code"]) == ("Aurora", "Borealis", "PUMP-07")


def test_others_see_an_open_task_and_nothing_of_it_afterwards(aurora, borealis, cassia):
    with aurora.acting():
        task = actions.post_task(terms=terms(), equipment_id=aurora.equipment["PUMP-07"].pk)
    with cassia.acting(), pytest.raises(NotFound):
        access.get_task(task.pk)
    with aurora.acting():
        actions.publish_task(task=access.get_own_task(task.pk))
    with cassia.acting():
        seen = access.get_task(task.pk)
        assert seen.snapshot["equipment_code"] == "PUMP-07" and seen.claim is None
        with pytest.raises(NotFound):
            get_site(task.site_id, needs="view_alarms")
        with pytest.raises(NotFound):
            access.get_own_task(task.pk)
    claimed(task, borealis)
    with cassia.acting():
        with pytest.raises(NotFound):
            access.get_task(task.pk)
        with pytest.raises(NotFound):
            access.get_claim(task.pk, 1)
        assert not Claim.objects.exists() and not queries.tasks_in("claimed").exists()
    with borealis.acting():
        assert [row.claim.tenant_id for row in queries.tasks_in("claimed")] == [borealis.id]
    with aurora.acting():
        assert queries.tasks_in("own").get(pk=task.pk).claim.firm_name == "Borealis"


def test_unlisted_organisations_are_named_to_each_other_and_told_of_no_offers(aurora, borealis, cassia):
    with as_platform("tests", "unlist"):
        Tenant.objects.filter(pk__in=[aurora.id, borealis.id]).update(listed=False)
    task = published(aurora)
    claimed(task, borealis)
    with borealis.acting():
        assert access.get_task(task.pk).snapshot["owner_name"] == "Aurora"
    with aurora.acting():
        assert access.get_task(task.pk).claim.firm_name == "Borealis"
    assert told(borealis) == LIFE[1:2]
    assert told(cassia) == LIFE[:1]


def test_late_loser_is_told_as_if_the_task_did_not_exist(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    with pytest.raises(NotFound, match="another firm may have claimed it"):
        claimed(task, cassia)


def test_loser_who_read_the_open_task_is_told_why(aurora, borealis, cassia):
    task = published(aurora)
    with cassia.acting():
        read_before = access.get_task(task.pk)
    claimed(task, borealis)
    with pytest.raises(Conflict, match="claimed by another firm"), cassia.acting():
        actions.claim_task(task=read_before)
    assert told(cassia) == LIFE[:1]


def test_own_organisation_can_not_claim_its_task(aurora):
    task = published(aurora)
    with pytest.raises(Forbidden, match="Your own organisation"):
        claimed(task, aurora)


def test_older_token_is_fenced_off(aurora, borealis, cassia):
    task = published(aurora)
    lease_over(claimed(task, borealis))
    actions.lapse_claims()
    claimed(task, borealis)
    with pytest.raises(Conflict, match="older claim"):
        submitted(task, borealis, token=1)
    submitted(task, borealis, token=2)
    with pytest.raises(NotFound):
        submitted(task, cassia, token=2)


def test_snapshot_stays_when_the_alarm_changes(aurora, borealis):
    alarm = alarm_of(aurora)
    task = published(aurora, alarm_id=alarm.pk)
    with aurora.acting():
        Alarm.objects.filter(pk=alarm.pk).update(severity="low", value=1.0, state="ACKED")
    with borealis.acting():
        evidence = access.get_task(task.pk).snapshot["evidence"]
    assert (evidence["alarm"]["severity"], evidence["alarm"]["value"]) == ("critical", 9.5)
    assert [reading[2] for reading in evidence["readings"]] == [9.5]


def test_task_without_data_to_open_makes_an_agreement_that_opens_nothing(aurora, borealis):
    task = published(aurora, terms=terms(opens=()), site_id=aurora.sites["north"].pk)
    claim = claimed(task, borealis)
    with borealis.acting():
        assert claim.agreement.clauses.count() == 0
        assert granted("sites", "view_telemetry") == granted("equipment", "view_telemetry") == set()


def test_task_about_a_site_opens_the_site(aurora, borealis):
    task = published(aurora, terms=terms(opens=("view_alarms",)), site_id=aurora.sites["north"].pk)
    claimed(task, borealis)
    with borealis.acting():
        assert get_site(aurora.sites["north"].pk, needs="view_alarms")
        with pytest.raises(NotFound):
            get_site(aurora.sites["north-mill"].pk, needs="view_alarms")


def test_acceptance_goes_on_when_a_party_has_ended_the_agreement_before(aurora, borealis):
    task = published(aurora)
    claim = claimed(task, borealis)
    with aurora.acting():
        end_agreement(agreement=queries.live_claim(task.pk).agreement, reason="precaution")
    assert not sees_pump(borealis, aurora)
    submitted(task, borealis, claim.token)
    accept(task, aurora)
    assert state_of(task, aurora) == "closed"


def shut(task, owner, by):
    with owner.acting():
        by(agreement=queries.live_claim(task.pk).agreement)


def end_by_hand(agreement):
    end_agreement(agreement=agreement, reason="claim released")


@pytest.mark.parametrize("by", [end_by_hand, suspend_agreement])
def test_firm_whose_data_the_owner_shut_does_not_get_it_back_by_claiming_again(aurora, borealis, cassia, by):
    task = published(aurora)
    claimed(task, borealis)
    shut(task, aurora, by)
    release(task, borealis)
    with pytest.raises(Conflict, match="your earlier claim on this task was ended or suspended"):
        claimed(task, borealis)
    assert not sees_pump(borealis, aurora) and state_of(task, aurora) == "open"
    assert claimed(task, cassia).token == 2 and sees_pump(cassia, aurora)


@pytest.mark.parametrize("by", [end_by_hand, suspend_agreement])
def test_who_may_not_manage_agreements_opens_nothing_that_was_shut(aurora, borealis, by):
    task = published(aurora)
    claimed(task, borealis)
    extend(task, aurora, roles=("operator",))
    shut(task, aurora, by)
    with pytest.raises(Conflict, match="ended or suspended by hand"):
        extend(task, aurora, roles=("operator",))
    submitted(task, borealis)
    with pytest.raises(Conflict, match="ended or suspended by hand"), aurora.acting("operator"):
        actions.request_rework(task=access.get_own_task(task.pk))
    assert not sees_pump(borealis, aurora)
    with aurora.acting("manager"):
        actions.request_rework(task=access.get_own_task(task.pk))
    assert sees_pump(borealis, aurora)


def test_firm_claims_again_after_release_lapse_and_rejection_and_what_was_opened_again(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    shut(task, aurora, end_by_hand)
    extend(task, aurora)
    release(task, borealis)
    lease_over(claimed(task, borealis))
    actions.lapse_claims()
    claimed(task, borealis)
    shut(task, aurora, suspend_agreement)
    shut(task, aurora, resume_agreement)
    submitted(task, borealis, token=3)
    reject(task, aurora)
    assert claimed(task, borealis).token == 4 and sees_pump(borealis, aurora)


def test_foreign_places_can_not_be_posted_about(aurora, cassia):
    alarm = alarm_of(aurora)
    foreign = {
        "site_id": aurora.sites["north"].pk,
        "equipment_id": aurora.equipment["PUMP-07"].pk,
        "alarm_id": alarm.pk,
    }
    for name, value in foreign.items():
        with cassia.acting(), pytest.raises(NotFound):
            actions.post_task(terms=terms(), **{name: value})


def test_partner_can_not_offer_what_was_opened_to_them(aurora, borealis):
    claimed(published(aurora), borealis)
    with borealis.acting(), pytest.raises(NotFound):
        actions.post_task(terms=terms(), equipment_id=aurora.equipment["PUMP-07"].pk)


def test_nobody_offers_what_their_own_role_may_not_do(aurora):
    pump = aurora.equipment["PUMP-07"].pk
    with aurora.acting("planner"), pytest.raises(Invalid, match="send_commands"):
        actions.post_task(terms=terms(opens=("send_commands",)), equipment_id=pump)
    with aurora.acting():
        task = actions.post_task(terms=terms(opens=("manage",)), equipment_id=pump)
    with aurora.acting("operator"), pytest.raises(Invalid, match="manage"):
        actions.publish_task(task=access.get_own_task(task.pk))
    with aurora.acting("viewer"), pytest.raises(Forbidden):
        actions.post_task(terms=terms(), equipment_id=pump)


def test_task_needs_a_place_and_places_that_agree(aurora):
    with aurora.acting():
        with pytest.raises(Invalid, match="Say what"):
            actions.post_task(terms=terms())
        mill, pump = aurora.sites["north-mill"].pk, aurora.equipment["PUMP-07"].pk
        with pytest.raises(Invalid) as refused:
            actions.post_task(terms=terms(), site_id=mill, equipment_id=pump)
    assert refused.value.errors[0].pointer == "/site"


def test_cancelled_task_is_gone_for_the_others(aurora, borealis):
    task = published(aurora)
    with borealis.acting():
        read_before = access.get_task(task.pk)
    with aurora.acting():
        actions.cancel_task(task=access.get_own_task(task.pk))
    with pytest.raises(Conflict, match="is cancelled now"), borealis.acting():
        actions.claim_task(task=read_before)
    assert told(aurora)[-1] == ("task.cancelled", "cancelled")


def test_without_identity_the_market_reads_zero_rows(aurora):
    from marketplace.models import ServiceTask

    published(aurora)
    assert ServiceTask.objects.count() == 0


def test_sweep_runs_as_a_task_without_an_organisation(aurora, borealis):
    task = published(aurora)
    lease_over(claimed(task, borealis))
    assert sweep_lapsed_claims.apply().get() >= 1
    assert state_of(task, aurora) == "open"
    with acting_as(aurora.actor()):
        assert queries.tasks_in("own").get(pk=task.pk).claim is None
