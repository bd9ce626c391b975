"""What a claim asks of the database: few statements to win, fewer to lose."""

from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from marketplace import access, actions
from marketplace.models import PublicNotice, ServiceTask
from tenants.api import compare_and_set
from tenants.data import Conflict
from tests.integration.marketplace.scenes import claimed, published


@contextmanager
def at_most(statements):
    with CaptureQueriesContext(connection) as asked:
        yield
    listing = "\n".join(query["sql"][:120] for query in asked.captured_queries)
    assert len(asked) <= statements, listing


def test_claim_costs_few_statements_with_all_that_follows_from_it(aurora, borealis):
    claimed(published(aurora), borealis)
    task = published(aurora)
    with at_most(18):
        claimed(task, borealis)


def test_claim_that_comes_too_late_writes_nothing_and_costs_one_look(aurora, borealis, cassia):
    task = published(aurora)
    with borealis.acting():
        seen = access.get_task(task.pk, needs="claim_tasks")
    claimed(task, cassia)
    with borealis.acting(), at_most(4), pytest.raises(Conflict, match="claimed by another firm"):
        actions.claim_task(task=seen)


def test_task_that_was_moved_is_on_the_object_as_it_is_in_the_database(aurora, borealis):
    task = published(aurora)
    with borealis.acting():
        seen = access.get_task(task.pk, needs="claim_tasks")
        actions.claim_task(task=seen)
    with aurora.acting():
        row = ServiceTask.objects.get(pk=task.pk)
    fields = [field.attname for field in ServiceTask._meta.concrete_fields]
    assert {name: getattr(seen, name) for name in fields} == {name: getattr(row, name) for name in fields}


def test_change_is_made_only_of_the_version_that_was_read(aurora):
    task = published(aurora)
    with aurora.acting():
        first, second = (ServiceTask.objects.get(pk=task.pk) for _ in range(2))
        assert compare_and_set(first, state="cancelled")
        assert not compare_and_set(second, state="claimed")
        assert (first.version, first.state) == (second.version + 1, "cancelled")
        assert ServiceTask.objects.get(pk=task.pk).version == first.version


def test_notice_says_what_its_task_says_whoever_moves_it(aurora):
    task = published(aurora)
    with aurora.acting():
        ServiceTask.objects.filter(pk=task.pk).update(state="cancelled")
        assert PublicNotice.objects.get(task=task).state == "cancelled"
