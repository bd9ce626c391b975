"""What anybody may read without signing in, and the open-contracting release of a task."""

import re

import pytest
from django.db import IntegrityError
from django.test import Client

from marketplace.access import get_own_task, get_task
from marketplace.actions import post_task, publish_task
from marketplace.bids.api import set_criteria
from marketplace.bids.data import Criterion
from marketplace.desk import actions as desk
from marketplace.desk.access import get_own_question
from marketplace.desk.notices import looking
from marketplace.models import PublicNotice, ServiceTask
from marketplace.profiles.api import NeedTerms, set_needs
from tenants.context import as_platform
from tenants.models import Membership
from tests.integration.edge.test_trends import sent
from tests.integration.marketplace import bid_scenes as bidding
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.scenes import alarm_of, claimed, published, state_of, submitted, terms
from tests.integration.marketplace.test_desk import MILESTONES, SOON, TASKS

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Of the codelists of OCDS 1.1: tenderStatus, method, releaseTag, contractStatus.
CODES = {
    "status": {"planning", "planned", "active", "cancelled", "unsuccessful", "complete", "withdrawn"},
    "procurementMethod": {"open", "selective", "limited", "direct"},
    "tag": {
        *("planning", "tender", "tenderCancellation", "award", "awardCancellation"),
        *("contract", "contractTermination", "implementation"),
    },
}


def notices_of(owner):
    with owner.acting():
        return list(PublicNotice.objects.filter(tenant=owner.id))


def test_notice_says_what_the_snapshot_says_and_no_id_of_an_alarm(aurora):
    alarm = alarm_of(aurora)
    task = published(aurora, alarm_id=alarm.pk, terms=terms(description="The bearing runs hot."))
    [notice] = notices_of(aurora)
    page = Client().get(f"/notices/{notice.pk}")
    text = page.content.decode()
    assert page.status_code == 200 and "The bearing runs hot." in text and "Aurora North" in text
    for hidden in (alarm.pk, task.pk, alarm.equipment_id, aurora.id, "vibration", "9.5"):
        assert str(hidden) not in text
    assert f"/notices/{notice.pk}" in Client().get("/notices").content.decode()
    assert 'href="/login?next=/tasks%3Fscope=market"' in text


def test_notice_says_by_what_a_bidder_decides_in_words_and_names_no_machine(aurora, borealis):
    sent(aurora, [2.0], tag="vibration", unit="mm/s")
    pump = aurora.equipment["PUMP-07"]
    rule = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24, "equipment": str(pump.pk)}
    asked = terms(mode="quotation", bids_until=SOON, acceptance=rule, retention_bp=500, warranty_d=365)
    with aurora.acting():
        task = post_task(terms=asked, equipment_id=pump.pk)
        set_needs(task=task, needs=(NeedTerms(skill="welder", level=3, people_n=2),))
        task.refresh_from_db()
        set_criteria(task=task, criteria=(Criterion("Price", "price", 60), Criterion("Method", "own", 40)))
        task.refresh_from_db()
        publish_task(task=task)
    [notice] = notices_of(aurora)
    shown = " ".join(Client().get(f"/notices/{notice.pk}").content.decode().split())
    for words in (
        "vibration below 4.5 mm/s for 24 h, 80 % of the time with readings",
        "5 % for 365 days",
        "2 × welder at level 3 or above",
        "Price 60 %, Method 40 %",
    ):
        assert words in shown, shown
    for hidden in (pump.pk, "PUMP-07", task.pk, aurora.id, aurora.user.pk, aurora.user.name):
        assert str(hidden) not in shown and str(hidden) not in str(notice.facts)


def test_answered_questions_are_on_the_notice_and_not_who_asked(aurora, borealis):
    task = published(aurora)
    with borealis.acting():
        question = desk.ask(task=get_task(task.pk), text="Which bearing is it?")
        desk.ask(task=get_task(task.pk), text="And is anybody there?")
    [notice] = notices_of(aurora)
    assert "Which bearing" not in Client().get(f"/notices/{notice.pk}").content.decode()
    with aurora.acting():
        desk.answer(question=get_own_question(task.pk, question.pk), text="The one at the drive end.")
    [notice] = notices_of(aurora)
    assert notice.answers == [{"text": "Which bearing is it?", "answer": "The one at the drive end."}]
    shown = Client().get(f"/notices/{notice.pk}").content.decode()
    assert "Which bearing is it?" in shown and "The one at the drive end." in shown
    assert "And is anybody there?" not in shown and "Borealis" not in shown and str(question.pk) not in shown


def test_only_public_tasks_of_listed_owners_are_put_up(aurora, borealis):
    published(aurora, terms=terms(visibility="invited", invited=(borealis.id,)))
    published(aurora, terms=terms(visibility="partners"))
    with as_platform("tests", "take the owner off the list"):
        type(aurora.tenant).objects.filter(pk=aurora.id).update(listed=False)
    published(aurora)
    assert notices_of(aurora) == []


def test_notice_leaves_the_list_with_its_task_and_its_page_stays(aurora, borealis):
    task = published(aurora)
    [notice] = notices_of(aurora)
    claimed(task, borealis)
    assert f"/notices/{notice.pk}" not in Client().get("/notices").content.decode()
    assert "claimed" in Client().get(f"/notices/{notice.pk}").content.decode()
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        PublicNotice.objects.filter(pk=notice.pk).update(facts={})


def test_notices_of_an_owner_who_is_no_longer_listed_are_not_shown(aurora):
    published(aurora)
    [notice] = notices_of(aurora)
    page = f"/notices/{notice.pk}"
    for is_listed, status in ((False, 404), (True, 200)):
        with as_platform("tests", "take the owner off the list, and put them on it again"):
            type(aurora.tenant).objects.filter(pk=aurora.id).update(listed=is_listed)
        assert Client().get(page).status_code == status
        assert (page in Client().get("/notices").content.decode()) == is_listed
    with aurora.acting():
        assert PublicNotice.objects.filter(pk=notice.pk).exists()


def test_the_boards_word_opens_notices_and_nothing_else(aurora, cassia):
    published(aurora)
    with looking():
        assert PublicNotice.objects.filter(tenant=aurora.id).exists()
        assert not ServiceTask.objects.exists()
    with cassia.acting():
        assert not PublicNotice.objects.filter(tenant=aurora.id).exists()


@pytest.mark.parametrize("address", ["/notices/00000000-0000-4000-8000-000000000000", "/notices?before=nonsense"])
def test_absent_notice_is_not_found(address):
    assert Client().get(address).status_code == 404


def test_release_has_the_fields_of_the_standard(aurora, borealis):
    task = published(
        aurora, terms=terms(mode="tender", bids_until=SOON, milestones=MILESTONES, fee_minor=123_45, currency="USD")
    )
    with aurora.acting():
        kept = desk.attach(task=task, name="pump.pdf", content=b"%PDF-1.7")
    package = borealis.client().get(f"{TASKS}/{task.pk}/ocds").json()
    assert (package["version"], package["publisher"]["name"]) == ("1.1", "Aurora")
    [release] = package["releases"]
    assert release["ocid"].startswith("ocds-213czf-") and release["initiationType"] == "tender"
    assert set(release["tag"]) <= CODES["tag"] and MOMENT.fullmatch(release["date"])
    tender = release["tender"]
    assert tender["value"] == {"amount": 123.45, "currency": "USD"}
    assert tender["status"] in CODES["status"] and tender["procurementMethod"] in CODES["procurementMethod"]
    assert MOMENT.fullmatch(tender["tenderPeriod"]["endDate"])
    [document] = tender["documents"]
    assert document["title"] == "pump.pdf"
    assert document["url"] == f"http://testserver{TASKS}/{task.pk}/attachments/{kept.pk}"
    assert borealis.client().get(document["url"]).content == b"%PDF-1.7"
    assert Client().get(document["url"]).status_code == 401
    assert [milestone["title"] for milestone in tender["milestones"]] == ["Drawings", "Pump runs"]
    buyer = release["buyer"]
    assert buyer in [{"id": party["id"], "name": party["name"]} for party in release["parties"]]
    assert "awards" not in release


def test_award_and_contract_of_a_claim_are_told_to_its_parties(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    for party in (aurora, borealis):
        [release] = party.client().get(f"{TASKS}/{task.pk}/ocds").json()["releases"]
        assert release["awards"][0]["suppliers"] == [{"id": str(borealis.id), "name": "Borealis"}]
        assert release["contracts"][0]["awardID"] == release["awards"][0]["id"]
        assert {"id": str(borealis.id), "name": "Borealis", "roles": ["supplier"]} in release["parties"]
    assert cassia.client().get(f"{TASKS}/{task.pk}/ocds").status_code == 404
    assert state_of(task, aurora) == "submitted"


def test_contract_with_its_milestones_is_told_to_its_parties(aurora, borealis, cassia):
    contract = contracts.written(aurora, borealis)
    contracts.accepted(aurora, borealis, contract, 1)
    for party in (aurora, borealis):
        [release] = party.client().get(f"{TASKS}/{contract.task_id}/ocds").json()["releases"]
        assert release["awards"][0]["suppliers"] == [{"id": str(borealis.id), "name": "Borealis"}]
        [signed] = release["contracts"]
        assert (signed["status"], signed["value"]["amount"]) == ("active", contract.price_minor / 100)
        assert [each["status"] for each in signed["milestones"]][:2] == ["met", "scheduled"]
    assert cassia.client().get(f"{TASKS}/{contract.task_id}/ocds").status_code == 404


def test_award_that_waits_for_the_standstill_is_told_to_the_winner_and_not_to_the_beaten(aurora, borealis, cassia):
    task = bidding.quotation(aurora, standstill_h=24)
    won, _ = (bidding.placed(firm, task).bid for firm in (borealis, cassia))
    bidding.evaluating(aurora, task)
    bidding.scored(aurora, won, 90)
    bidding.awarded(aurora, won)
    for party in (aurora, borealis):
        [release] = party.client().get(f"{TASKS}/{task.pk}/ocds").json()["releases"]
        [award] = release["awards"]
        assert (award["status"], award["value"]["amount"]) == ("pending", bidding.CONTENT.price_minor / 100)
        assert release["tag"] == ["tender", "award"] and "contracts" not in release
    [release] = cassia.client().get(f"{TASKS}/{task.pk}/ocds").json()["releases"]
    assert "awards" not in release and release["tag"] == ["tender"]


def release_of(party, task_id):
    [release] = party.client().get(f"{TASKS}/{task_id}/ocds").json()["releases"]
    assert set(release["tag"]) <= CODES["tag"]
    return release


def test_release_has_another_id_as_soon_as_it_says_something_else(aurora, borealis):
    task = published(aurora)
    first = release_of(borealis, task.pk)
    assert release_of(borealis, task.pk) == first
    with borealis.acting():
        desk.ask(task=get_task(task.pk), text="Which bearing?")
    asked = release_of(borealis, task.pk)
    with aurora.acting():
        desk.attach(task=get_own_task(task.pk), name="pump.pdf", content=b"%PDF-1.7")
    filed = release_of(borealis, task.pk)
    contract = contracts.written(aurora, borealis)
    written = release_of(borealis, contract.task_id)
    contracts.accepted(aurora, borealis, contract, 1)
    accepted = release_of(borealis, contract.task_id)
    assert len({each["id"] for each in (first, asked, filed)}) == 3 and first["ocid"] == filed["ocid"]
    assert written["id"] != accepted["id"] and first["date"] <= asked["date"] <= filed["date"]


def test_release_of_a_paid_contract_says_who_paid_what_to_whom_and_that_it_is_over(aurora, borealis):
    contract = contracts.closed(aurora, borealis)
    for party in (aurora, borealis):
        release = release_of(party, contract.task_id)
        assert release["tag"] == ["tender", "award", "contract", "contractTermination", "implementation"]
        [paid] = release["contracts"][0]["implementation"]["transactions"]
        assert paid["value"] == {"amount": 2500.01, "currency": "USD"}
        assert (paid["payer"]["name"], paid["payee"]["name"]) == ("Aurora", "Borealis")
    with as_platform("tests", "somebody may not see what is paid"):
        Membership.objects.filter(user=borealis.user).update(roles=["viewer"])
    assert "implementation" not in release_of(borealis, contract.task_id)["tag"]


def test_award_that_a_complaint_annulled_is_told_as_cancelled_until_the_next_one(aurora, borealis, cassia):
    task, won, lost = bidding.contest(aurora, borealis, cassia)
    bidding.awarded(aurora, won)
    bidding.decided(aurora, bidding.complained(cassia, lost), True)
    for party in (aurora, cassia):
        release = release_of(party, task.pk)
        assert release["tag"] == ["tender", "awardCancellation"] and release["awards"][0]["status"] == "cancelled"
    bidding.awarded(aurora, won)
    assert release_of(aurora, task.pk)["tag"] == ["tender", "award"]
    assert release_of(cassia, task.pk)["tag"] == ["tender"]


def test_all_own_published_tasks_are_released_in_packages_that_lead_on(aurora, borealis, monkeypatch):
    monkeypatch.setattr("marketplace.desk.queries.RELEASES", 2)
    tasks = [published(aurora) for _ in range(3)]
    with aurora.acting():
        post_task(terms=terms(), site_id=aurora.sites["north"].pk)
    first = aurora.client().get(f"{TASKS}/ocds").json()
    assert [each["tender"]["id"] for each in first["releases"]] == [str(task.pk) for task in (tasks[2], tasks[1])]
    second = aurora.client().get(first["links"]["next"]).json()
    assert [each["tender"]["id"] for each in second["releases"]] == [str(tasks[0].pk)] and "links" not in second
    assert second["publisher"] == {"name": "Aurora"} and first["releases"][0]["tag"] == ["tender"]
    assert borealis.client().get(f"{TASKS}/ocds").json()["releases"] == []
    assert aurora.client().get(f"{TASKS}/ocds?before=yesterday").status_code == 422
