"""Plans asked for over HTTP and watched until they are done."""

import time

from tenants.models import FeedEvent
from tests.integration.optimization import documents

URL = "/api/v1/plans"


def asked(client, instance=None, **options):
    answer = client.post(URL, {"name": "May", "instance": instance or documents.small(), "options": options})
    assert answer.status_code == 202, answer.content
    return answer["Location"]


def seen(client, url, *statuses, within_s=120.0):
    """The plan once it has one of the statuses."""
    deadline = time.monotonic() + within_s
    while (body := client.get(url).json())["status"] not in statuses:
        assert time.monotonic() < deadline, body
        time.sleep(0.2)
    return body


def running_with_news(client, url):
    """The plan once the solver has said something."""
    deadline = time.monotonic() + 120
    while (body := seen(client, url, "running"))["progress"]["stage"] == "building":
        assert time.monotonic() < deadline, body
        time.sleep(0.2)
    return body


def told(organisation, url):
    """Kinds of the plan's events, in the order of the feed, repeats of progress as one."""
    with organisation.acting():
        rows = (
            FeedEvent.objects.filter(body__plan=url.rpartition("/")[2]).order_by("seq").values_list("kind", flat=True)
        )
        return list(dict.fromkeys(rows))
