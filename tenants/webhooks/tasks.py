"""Celery shells of the feed's sweeps. What is owed stands in rows: a broker that is away only delays it."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import connections

from tenants.data import Actor
from tenants.feed.pruning import prune
from tenants.webhooks.delivering import Run, claim_due

THREADS = 8


@shared_task(bind=True, name="tenants.sweep_webhooks", system=True)
def sweep_webhooks(self: Any) -> int:
    """Post what is owed, to several webhooks at once: a slow receiver holds up nobody else."""
    due = claim_due()
    with ThreadPoolExecutor(THREADS) as threads:
        # Each thread in a context of its own: a transaction belongs to one.
        runs = [threads.submit(Context().run, _work, webhook_id, actor) for webhook_id, actor in due]
    return sum(run.result() for run in runs)


@shared_task(bind=True, name="tenants.prune_feeds", system=True)
def prune_feeds(self: Any) -> int:
    """Remove events that are no longer kept; hourly."""
    return prune()


def _work(webhook_id: UUID, actor: Actor) -> int:
    try:
        return Run(webhook_id, actor).work()
    finally:
        connections.close_all()
