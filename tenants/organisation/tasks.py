"""Celery shells of the organisation's life: archives, and what is swept away when its time is over."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import DatabaseError, connection

from tenants.context import acting_as, as_platform
from tenants.data import Actor
from tenants.models import Export
from tenants.organisation import exports, purging, retention
from tenants.organisation.exporting import write_archive

TELL_S = 1.0
log = logging.getLogger(__name__)


class Unwanted(Exception):
    """The export was cancelled while it ran."""


@shared_task(bind=True, name=exports.MAKE_EXPORT)
def make_export(self: Any, export_id: str) -> None:
    """Write the archive in one snapshot of the organisation. A second delivery finds nothing to take up."""
    with acting_as(self.actor):
        export = exports.take_up(UUID(export_id))
    if export is None:
        return
    path = exports.path_of(export)
    try:
        is_ready = _made(self.actor, export)
    except Unwanted:
        is_ready = False
    except (OSError, DatabaseError) as error:
        log.exception("export %s", export_id)
        is_ready = False
        with acting_as(self.actor):
            exports.give_up(export, f"It could not be written: {type(error).__name__}. Ask for another one.")
    if not is_ready:
        path.unlink(missing_ok=True)


@shared_task(bind=True, name="tenants.keep_house", system=True)
def keep_house(self: Any) -> None:
    """Remove what is over: archives, replayable answers, tickets, sessions; hourly."""
    with as_platform("sweep", "remove what is over") as platform:
        now = datetime.now(UTC)
        platform.leaves_trace = exports.sweep(now) + retention.sweep(now) > 0


@shared_task(bind=True, name="tenants.purge_closed", system=True)
def purge_closed(self: Any) -> None:
    """Delete what organisations left whose grace period is over."""
    purging.purge_due(datetime.now(UTC))


def _made(actor: Actor, export: Export) -> bool:
    """Progress is told by a thread, since the snapshot's own transaction only reads."""
    path = exports.path_of(export)
    with ThreadPoolExecutor(1) as teller, path.open("wb") as target, acting_as(actor, snapshot=True):
        path.chmod(0o600)
        try:
            n_rows = write_archive(target, _teller(teller, actor, export))
        finally:
            teller.submit(_hang_up).result()
    with acting_as(actor):
        return exports.finish(export, n_rows)


def _hang_up() -> None:
    """Close the connection of the thread that this runs in."""
    connection.close()


def _teller(thread: ThreadPoolExecutor, actor: Actor, export: Export) -> Callable[[int, int], None]:
    """Tells once a second; Unwanted once the owner has cancelled."""
    told_s = 0.0

    def tell(n_files: int, n_rows: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s < TELL_S:
            return
        told_s = time.monotonic()
        # A context of its own: the thread's transaction is not this one's.
        if not thread.submit(Context().run, _record, actor, export, n_files, n_rows).result():
            raise Unwanted

    return tell


def _record(actor: Actor, export: Export, n_files: int, n_rows: int) -> bool:
    with acting_as(actor):
        return exports.record_progress(export, n_files, n_rows)
