"""One request, sent by every client at once under one idempotency key: its effect is there once."""

from collections import Counter
from functools import partial
from uuid import uuid4

from marketplace.models import ServiceTask
from tests.races.crowd import OBJECTS, crowd
from tests.races.tally import Tally
from tests.races.truth import sound

TASKS = "/api/v1/service-tasks"


def test_request_sent_many_times_at_once_under_one_key_has_its_effect_once(aurora):
    body = {"category": "design", "site": str(aurora.sites["north"].pk)}
    tally = Tally("one key")
    with crowd() as senders:
        clients = [aurora.client() for _ in range(senders.size)]
        for _ in tally.goes():
            titles = [uuid4().hex for _ in range(OBJECTS)]
            asked = [titles[n % OBJECTS] for n in range(senders.size)]
            send = [
                partial(_posted, client, {**body, "title": each}, each)
                for client, each in zip(clients, asked, strict=True)
            ]
            answers = senders.at_once(send)
            for n, title in enumerate(titles):
                with aurora.acting():
                    made = [str(pk) for pk in ServiceTask.objects.filter(title=title).values_list("pk", flat=True)]
                assert len(made) == 1
                assert {task for status, task in answers[n::OBJECTS] if status == 201} == set(made)
            seen = Counter(status for status, _ in answers)
            assert set(seen) <= {201, 409}
            tally.count(attempts=senders.size, won=seen[201], refused=seen[409])
    sound(aurora)


def _posted(client, body, key):
    answer = client.post(TASKS, body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json().get("id")
