"""One request, sent by every client at once under one idempotency key: its effect is there once."""

from collections import Counter
from functools import partial

from marketplace.models import ServiceTask
from tests.races.crowd import ROUNDS, crowd, told

TASKS = "/api/v1/service-tasks"


def test_request_sent_many_times_at_once_under_one_key_has_its_effect_once(aurora):
    body = {"title": "once", "category": "design", "site": str(aurora.sites["north"].pk)}
    seen: Counter[int] = Counter()
    with crowd() as senders:
        clients = [aurora.client() for _ in range(senders.size)]
        for turn in range(ROUNDS):
            send = [partial(_posted, client, {**body, "title": f"once {turn}"}, f"turn-{turn}") for client in clients]
            answers = senders.at_once(send)
            ids = {task for status, task in answers if status == 201}
            assert len(ids) == 1
            assert {status for status, _ in answers} <= {201, 409}
            seen += Counter(status for status, _ in answers)
    with aurora.acting():
        titles = list(
            ServiceTask.objects.filter(title__startswith="once").order_by("pk").values_list("title", flat=True)
        )
    assert titles == [f"once {turn}" for turn in range(ROUNDS)]
    told("one key", rounds=ROUNDS, double_effects=0, created_or_replayed=seen[201], told_that_it_is_under_way=seen[409])


def _posted(client, body, key):
    answer = client.post(TASKS, body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json().get("id")
