"""Webhooks, as an administrator meets them; and the feed's description, as anybody does."""

import re

import pytest
from django.test import Client

from tenants.models import Webhook
from tests.functional.console.scenes import sign_in
from tests.integration.feed.client import emit
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.test_delivering import deliver


@pytest.fixture
def receiver(settings):
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with Receiver() as found:
        yield found


def test_webhook_is_made_tested_watched_and_removed(aurora, receiver):
    client, north = sign_in(aurora), aurora.sites["north"]
    asked = {"name": "Dispatch", "url": receiver.url, "kinds": "alarm.", "sites": [str(north.pk)]}
    made = client.post("/webhooks", asked).content.decode()
    secret = re.search(r"whsec_[\w+/=]+", made)[0]
    with aurora.acting():
        webhook = Webhook.objects.get(tenant=aurora.id)
    one = f"/webhooks/{webhook.pk}"
    assert client.post(f"{one}/test").status_code == 302
    emit(aurora, range(1))
    receiver.answers = [204, 503]
    deliver(webhook)
    assert receiver.received[0].verified_by(secret)["type"] == "cloudmining.webhook.test"
    page = client.get(one).content.decode()
    assert "webhook.test" in page and "It answered 503." in page and "Nothing is taken since" in page
    assert north.name in page and secret not in page and "failing" in client.get("/webhooks").content.decode()
    assert "whsec_" in client.post(f"{one}/rotate").content.decode()
    assert client.post(f"{one}/disable").status_code == 302
    assert "It is off" in client.get(one).content.decode()
    assert client.post(f"{one}/explode").status_code == 404
    assert client.post(f"{one}/remove").status_code == 302 and client.get(one).status_code == 404


def test_bad_webhook_is_explained_in_the_form(aurora):
    answer = sign_in(aurora).post("/webhooks", {"name": "x", "url": "ftp://x.example"})
    assert answer.status_code == 422 and "Begin it with https://" in answer.content.decode()


def test_feed_is_described_to_anybody_for_people_and_for_programs():
    page = Client().get("/api/v1/feed/reference").content.decode()
    assert "lagging" in page and "alarm.raised" in page and "ws://testserver/ws/v1/feed" in page
    document = Client().get("/api/v1/asyncapi.json").json()
    assert document["asyncapi"] == "3.0.0" and "ev" in document["components"]["messages"]
