"""Both parties are told of an agreement's end, once that it is near and once that it has come."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tenants.agreements import actions as agreeing
from tenants.agreements.expiry import tell_of_ends
from tenants.agreements.tasks import tell_of_agreements_ends
from tenants.context import as_platform
from tenants.models import Agreement, FeedEvent, LedgerEntry
from tests.agreements import DAY, NOW, agreed, drafted, signed, told


def swept(now):
    with as_platform("sweep", "test"):
        return tell_of_ends(now)


def ends_told(party):
    return [kind for kind in told(party) if "expir" in kind]


@pytest.fixture
def ending(aurora, borealis):
    return signed(agreed(aurora, borealis, ends_at=NOW + 30 * DAY), aurora, borealis)


def test_end_is_told_to_both_parties_once_before_and_once_after_it(aurora, borealis, cassia, ending):
    swept(NOW + 15 * DAY)
    assert ends_told(aurora) == []
    for days in (17, 18):
        swept(NOW + days * DAY)
    assert ends_told(aurora) == ends_told(borealis) == ["rights.agreement_expiring"]
    for days in (31, 32):
        swept(NOW + days * DAY)
    both = ["rights.agreement_expiring", "rights.agreement_expired"]
    assert ends_told(aurora) == ends_told(borealis) == both and ends_told(cassia) == []
    with borealis.acting():
        last = FeedEvent.objects.filter(tenant=borealis.id).latest("seq")
        assert (last.body["agreement"], last.body["status"]) == (str(ending.pk), "expired")
        assert not LedgerEntry.objects.filter(tenant=borealis.id, kind__contains="expir").exists()
        assert Agreement.objects.get(pk=ending.pk).status == "active"  # the sweep moved nothing


def test_end_that_no_sweep_saw_coming_is_told_as_past(aurora, borealis, ending):
    swept(NOW + 40 * DAY)
    assert ends_told(aurora) == ends_told(borealis) == ["rights.agreement_expired"]


def test_nothing_is_told_of_what_is_not_in_force_or_is_shorter_than_the_warning(aurora, borealis, ending):
    with aurora.acting():
        agreeing.terminate_agreement(agreement=Agreement.objects.get(pk=ending.pk), reason="done")
    drafted(aurora, borealis, ends_at=NOW + DAY)
    signed(agreed(aurora, borealis, ends_at=NOW + 3 * DAY), aurora, borealis)
    swept(NOW + timedelta(hours=1))
    assert ends_told(aurora) == ends_told(borealis) == []


def test_task_tells_of_an_end_that_has_come(aurora, borealis):
    signed(agreed(aurora, borealis, ends_at=datetime.now(UTC) + timedelta(seconds=1.5)), aurora, borealis)
    time.sleep(1.6)
    for _ in range(2):
        tell_of_agreements_ends.apply(throw=True)
    assert ends_told(aurora) == ends_told(borealis) == ["rights.agreement_expired"]
