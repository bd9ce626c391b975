"""Signed, in order, again until taken; never what a revocation closed, and never into networks that are not allowed."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from standardwebhooks.webhooks import WebhookVerificationError

from tenants.context import acting_as, as_platform
from tenants.models import FeedEvent, FeedHead, FeedReceipt, Membership, Webhook, WebhookDelivery
from tenants.webhooks import actions
from tenants.webhooks.delivering import Run, _actor_of, claim_due
from tenants.webhooks.tasks import sweep_webhooks
from tests.integration.feed.client import emit
from tests.integration.tenants.sharing_scenes import opened
from tests.integration.webhooks.receiver import Receiver


@pytest.fixture(autouse=True)
def _loopback(settings):
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def receiver():
    with Receiver() as found:
        yield found


def hooked(organisation, url, **asked):
    with organisation.acting():
        return actions.make_webhook(name="Dispatch", url=url, **asked)


def deliver(webhook) -> int:
    """What a sweep does to this one webhook."""
    with as_platform("tests", "take up one webhook"):
        row = Webhook.objects.get(pk=webhook.pk)
        actor = _actor_of(row)
    return Run(webhook.pk, actor).work()


def now_of(organisation, webhook) -> Webhook:
    with organisation.acting():
        return Webhook.objects.get(pk=webhook.pk)


def alter(webhook, **changes) -> None:
    with as_platform("tests", "another state of a webhook"):
        Webhook.objects.filter(pk=webhook.pk).update(**changes)


def test_events_arrive_in_order_signed_and_in_an_envelope(aurora, receiver):
    webhook, secret = hooked(aurora, receiver.url)
    emit(aurora, range(45))
    assert deliver(webhook) == 45
    assert receiver.numbers == list(range(45))
    first = receiver.received[0].verified_by(secret)
    assert first["specversion"] == "1.0" and first["type"] == "cloudmining.alarm.raised"
    assert first["source"].endswith(str(aurora.id)) and first["data"]["t"] == "ev"
    assert receiver.received[0].headers["webhook-id"] == first["id"]
    with aurora.acting():
        assert not FeedReceipt.objects.exists(), "a receiver is nobody's screen"
        assert WebhookDelivery.objects.filter(webhook=webhook, is_taken=True, answer=204).count() == 45
    assert deliver(webhook) == 0


def test_sweep_takes_up_what_is_owed_and_no_other_sweep_does_so_meanwhile(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    assert webhook.pk not in dict(claim_due())
    emit(aurora, range(1))
    assert webhook.pk in dict(claim_due())
    assert webhook.pk not in dict(claim_due())


def test_failed_event_is_sent_again_under_the_same_id_before_any_later_one(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(3))
    receiver.answers = [204, 500]
    assert deliver(webhook) == 1
    row = now_of(aurora, webhook)
    assert (row.attempts, row.cursor) == (1, 1) and row.due_at > datetime.now(UTC) + timedelta(seconds=3)
    assert webhook.pk not in dict(claim_due())
    assert deliver(webhook) == 2
    assert receiver.numbers == [0, 1, 1, 2]
    assert receiver.received[1].envelope == receiver.received[2].envelope
    assert now_of(aurora, webhook).failing_since is None


def test_waits_grow_to_hours_and_after_days_it_is_switched_off_with_an_event(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(1))
    receiver.answers = [500] * 12
    waits_s = []
    for _ in range(11):
        deliver(webhook)
        waits_s.append((now_of(aurora, webhook).due_at - datetime.now(UTC)).total_seconds())
    assert waits_s[0] < 10 and 7 * 3600 < waits_s[-1] < 9 * 3600
    alter(webhook, failing_since=datetime.now(UTC) - timedelta(days=6))
    deliver(webhook)
    row = now_of(aurora, webhook)
    assert row.status == "disabled" and "5 days" in row.disabled_because
    with aurora.acting():
        assert FeedEvent.objects.get(tenant=aurora.id, kind="webhook.disabled").body["webhook"] == str(webhook.pk)
        actions.enable_webhook(webhook=row)
    assert deliver(webhook) == 2
    assert receiver.numbers[-1] == 0 and receiver.received[-1].envelope["type"] == "cloudmining.webhook.disabled"


@pytest.mark.parametrize(("answer", "status"), [(410, "disabled"), (302, "active"), (404, "active")])
def test_gone_switches_it_off_and_no_redirect_is_followed(aurora, receiver, answer, status):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(1))
    receiver.answers = [answer]
    assert deliver(webhook) == 0
    assert len(receiver.received) == 1 and now_of(aurora, webhook).status == status


def test_filter_passes_over_and_a_long_stretch_of_it_costs_no_post(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url, filter={"kinds": ["plan."]})
    emit(aurora, range(70))
    emit(aurora, range(70, 72), kind="plan.solved")
    assert deliver(webhook) == 2
    assert receiver.numbers == [70, 71] and now_of(aurora, webhook).cursor == 72


def test_another_filter_holds_for_the_page_in_hand_too(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(6))
    emit(aurora, range(6, 8), kind="plan.solved")
    with as_platform("tests", "take up one webhook"):
        run = Run(webhook.pk, _actor_of(Webhook.objects.get(pk=webhook.pk)))
    assert run._step(None, is_last=False) is not None and len(run._page) > 0
    with aurora.acting():
        actions.change_webhook(webhook=Webhook.objects.get(pk=webhook.pk), filter={"kinds": ["plan."]})
    assert run.work() == 2
    assert receiver.numbers == [6, 7]


def test_revoked_partner_gets_nothing_more_though_a_page_was_in_hand(aurora, borealis, receiver):
    agreement = opened(aurora, borealis)
    webhook, _ = hooked(borealis, receiver.url, filter={"kinds": ["alarm."]})
    emit(aurora, range(10))
    with as_platform("tests", "take up one webhook"):
        run = Run(webhook.pk, _actor_of(Webhook.objects.get(pk=webhook.pk)))
    with_page = run._step(None, is_last=False)
    assert with_page is not None and len(run._page) == 9
    from tenants.agreements.actions import suspend_agreement

    with aurora.acting():
        suspend_agreement(agreement=agreement)
    assert run.work() == 0
    assert receiver.numbers == []


def test_webhook_of_a_member_who_left_is_switched_off(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(1))
    with as_platform("tests", "the maker leaves"):
        Membership.objects.filter(tenant=aurora.id, user=aurora.user).delete()
    assert deliver(webhook) == 0 and receiver.received == []
    assert "no rights" in now_of(aurora, webhook).disabled_because


def test_key_with_few_scopes_makes_a_webhook_that_sees_no_more(aurora, receiver):
    made = aurora.client(["view_registry", "manage_keys"]).post("/api/v1/webhooks", {"name": "x", "url": receiver.url})
    assert made.status_code == 201, made.content
    emit(aurora, range(2))
    with aurora.acting():
        webhook = Webhook.objects.get(pk=made.json()["id"])
    assert deliver(webhook) == 0 and now_of(aurora, webhook).cursor == 2


def test_cursor_that_is_no_longer_kept_is_told_as_a_reset_with_the_state(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(5))
    with as_platform("tests", "prune"):
        FeedEvent.objects.filter(tenant=aurora.id, seq__lt=4).delete()
        FeedHead.objects.filter(tenant=aurora.id).update(min_seq=4)
    assert deliver(webhook) == 1
    told = receiver.received[0].envelope
    assert told["type"] == "cloudmining.feed.reset" and told["data"]["head"] == 5
    assert told["data"]["snapshot"]["alarms"] == {"items": [], "is_whole": True}
    emit(aurora, range(5, 6))
    assert deliver(webhook) == 1 and receiver.numbers == [5]


def test_secret_is_replaced_without_a_gap(aurora, receiver):
    webhook, old = hooked(aurora, receiver.url)
    with aurora.acting():
        new = actions.rotate_secret(webhook=webhook, keep_s=60)
    emit(aurora, range(1))
    deliver(webhook)
    assert receiver.received[0].verified_by(old) == receiver.received[0].verified_by(new)
    alter(webhook, previous_until=datetime.now(UTC) - timedelta(seconds=1))
    emit(aurora, range(1))
    deliver(webhook)
    assert receiver.received[1].verified_by(new)
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verified_by(old)
    assert new not in now_of(aurora, webhook).secret


def test_network_that_is_not_allowed_is_not_called(aurora, receiver, settings):
    webhook, _ = hooked(aurora, receiver.url)
    emit(aurora, range(1))
    for networks in ([], ["10.0.0.0/8"]):
        settings.WEBHOOK_NETWORKS = networks
        assert deliver(webhook) == 0
    alter(webhook, url=receiver.url.replace("http:", "https:").replace("127.0.0.1", "localhost"))
    assert deliver(webhook) == 0
    assert receiver.received == []
    with aurora.acting():
        assert "private network" in WebhookDelivery.objects.filter(webhook=webhook).latest("pk").problem


def test_test_message_is_sent_even_while_switched_off(aurora, receiver):
    webhook, secret = hooked(aurora, receiver.url)
    emit(aurora, range(1))
    with aurora.acting():
        actions.disable_webhook(webhook=webhook)
        actions.ask_for_test(webhook=webhook)
    assert webhook.pk in dict(claim_due())
    assert deliver(webhook) == 1
    assert receiver.received[0].verified_by(secret)["type"] == "cloudmining.webhook.test"
    assert webhook.pk not in dict(claim_due())


def test_cursor_never_goes_back_even_by_sql(aurora, receiver):
    webhook, _ = hooked(aurora, receiver.url)
    alter(webhook, cursor=7)
    with pytest.raises(IntegrityError, match="never goes back"):
        alter(webhook, cursor=6)


def test_api_keeps_the_secret_to_itself_after_the_first_answer(aurora, cassia):
    client = aurora.client()
    made = client.post(
        "/api/v1/webhooks", {"name": "Dispatch", "url": "https://x.example/h", "filter": {"kinds": ["a"]}}
    )
    assert made.status_code == 201 and made.json()["secret"].startswith("whsec_")
    one = f"/api/v1/webhooks/{made.json()['id']}"
    assert "secret" not in client.get(one).json()
    assert client.patch(one, {"filter": None, "name": "Other"}).json()["filter"] is None
    assert client.post(f"{one}/test").status_code == 200
    assert client.get(f"{one}/deliveries").json()["results"] == []
    assert client.post(f"{one}/rotate", {}).json()["secret"] != made.json()["secret"]
    assert [cassia.client().get(one).status_code, client.delete(one).status_code] == [404, 204]
    assert client.get(one).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://x.example"}, "/url"),
        ({"url": "https://user@x.example"}, "/url"),
        ({"url": "https:///x"}, "/url"),
        ({"url": "https://x.example:99999"}, "/url"),
        ({"url": "https://x.example", "filter": {"kinds": ["ALARM"]}}, "/filter/kinds/0"),
        ({"url": "https://x.example", "filter": {"kinds": []}}, "/filter/kinds"),
        ({"url": "https://x.example", "filter": {"sites": ["x"]}}, "/filter/sites/0"),
    ],
)
def test_bad_webhook_is_refused_with_the_place(aurora, body, pointer):
    answer = aurora.client().post("/api/v1/webhooks", {"name": "x", **body})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == pointer, answer.json()


def test_reader_without_manage_keys_sees_no_webhook(aurora):
    hooked(aurora, "https://x.example")
    with acting_as(aurora.actor("viewer")), pytest.raises(Exception, match="manage_keys"):
        actions.make_webhook(name="x", url="https://x.example")


def test_sweep_posts_to_several_at_once_and_one_that_refuses_holds_up_no_other(aurora, borealis, receiver):
    with Receiver() as refusing:
        refusing.answers = [500] * 5
        hooked(aurora, refusing.url)
        hooked(borealis, receiver.url)
        for organisation in (aurora, borealis):
            emit(organisation, range(3))
        assert sweep_webhooks() >= 3
        assert receiver.numbers == [0, 1, 2] and refusing.numbers == [0]
    assert sweep_webhooks() == 0
