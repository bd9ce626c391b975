"""A task in the hands of a firm: what opens and closes, for how long, and who may take it up again."""

from datetime import timedelta

import pytest

from edge_bridge import api as edge
from marketplace import access, actions, queries
from marketplace.models import Claim
from marketplace.tasks import sweep_lapsed_claims
from tenants.access import get_equipment, get_site, granted
from tenants.agreements.actions import resume_agreement, suspend_agreement
from tenants.api import acting_as
from tenants.data import Conflict, Forbidden, Invalid, NotFound
from tenants.models import Signature
from tests.integration.marketplace.scenes import (
    LIFE,
    OPENS,
    accept,
    alarm_of,
    claimed,
    end_by_hand,
    entered,
    extend,
    lease_over,
    published,
    reject,
    release,
    sees_pump,
    state_of,
    submitted,
    terms,
    told,
)


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


def shut(task, owner, by):
    with owner.acting():
        by(agreement=queries.live_claim(task.pk).agreement)


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


def test_sweep_runs_as_a_task_without_an_organisation(aurora, borealis):
    task = published(aurora)
    lease_over(claimed(task, borealis))
    assert sweep_lapsed_claims.apply().get() >= 1
    assert state_of(task, aurora) == "open"
    with acting_as(aurora.actor()):
        assert queries.tasks_in("own").get(pk=task.pk).claim is None
