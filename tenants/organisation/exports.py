"""Archives that an owner asks for: the row says what is owed, a worker makes the file, which is fetched once."""

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from kombu.exceptions import OperationalError

from tenants import access
from tenants.bus import announce
from tenants.context import opened
from tenants.data import Actor, Conflict, Event, NotFound
from tenants.files import file_of
from tenants.ledger.actions import enter
from tenants.metering.actions import require_within_budget
from tenants.models import Export
from tenants.task import send_as

MAKE_EXPORT: Final = "tenants.make_export"
QUEUE: Final = "default"
NEEDS: Final = "manage_organisation"
KEPT: Final = timedelta(hours=24)
# What no worker ended in this time was lost with one.
LOST_AFTER: Final = timedelta(hours=6)
# As in `Export.Status`.
QUEUED, RUNNING, READY, FETCHED, CANCELLED, FAILED = "queued", "running", "ready", "fetched", "cancelled", "failed"
WANTED: Final = (QUEUED, RUNNING)
log = logging.getLogger(__name__)


def request_export() -> Export:
    """Ask for an archive; Conflict while another one is being made, PaymentRequired if the budget is used up."""
    owner = access.require(NEEDS)
    require_within_budget()
    try:
        with transaction.atomic():
            export = Export.objects.create(tenant_id=owner.tenant_id, requested_by_id=owner.user_id)
    except IntegrityError as error:
        raise Conflict("An archive is being made already: wait for it, or cancel it.") from error
    export.refresh_from_db()
    _tell("export.queued", export)
    transaction.on_commit(lambda: _send(owner, export.pk), using=opened().alias)
    return export


def cancel_export(*, export: Export) -> None:
    """The worker notices at its next step and throws away what it has."""
    access.require(NEEDS)
    if not _move(export, WANTED, CANCELLED):
        raise Conflict("Only an archive that is being made can be cancelled.")
    _tell("export.cancelled", export)


def get_export(export_id: UUID) -> Export:
    access.require(NEEDS)
    export = Export.objects.filter(pk=export_id).first()
    if export is None:
        raise NotFound
    return export


def fetch_export(*, export: Export) -> IO[bytes]:
    """The archive, open for reading. It is handed out once, within a day, and its file is gone with the commit."""
    access.require(NEEDS)
    now = datetime.now(UTC)
    is_due = export.expires_at is not None and export.expires_at > now
    if not (is_due and _move(export, (READY,), FETCHED)):
        raise Conflict("There is nothing to fetch: an archive is kept for a day and handed out once. Ask for another.")
    path = path_of(export)
    archive = path.open("rb")
    transaction.on_commit(path.unlink, using=opened().alias)
    _tell("export.fetched", export)
    enter(kind="organisation.exported", subject=export.pk, payload={"sha256": export.sha256})
    return archive


def path_of(export: Export) -> Path:
    return file_of(export.tenant_id, "exports", export.pk, ".zip")


# The worker's steps, each in a short transaction of its own.


def take_up(export_id: UUID) -> Export | None:
    """The export, running now; None if it was cancelled, or another worker has it."""
    export = Export.objects.filter(pk=export_id).first()
    if export is None or not _move(export, (QUEUED,), RUNNING):
        return None
    return export


def record_progress(export: Export, n_files: int, n_rows: int) -> bool:
    """Tell how far it is; False if it is no longer wanted."""
    found = Export.objects.filter(pk=export.pk, status=RUNNING).update(n_files=n_files, n_rows=n_rows)
    if found:
        _tell("export.progress", export, n_files=n_files, n_rows=n_rows)
    return bool(found)


def finish(export: Export, n_rows: int) -> bool:
    """The file is whole; False if it was cancelled meanwhile."""
    path = path_of(export)
    with path.open("rb") as archive:
        sha256 = hashlib.file_digest(archive, "sha256").hexdigest()
    now = datetime.now(UTC)
    what = {"n_rows": n_rows, "size_bytes": path.stat().st_size, "sha256": sha256}
    if not _move(export, (RUNNING,), READY, finished_at=now, expires_at=now + KEPT, **what):
        return False
    _tell("export.ready", export)
    return True


def give_up(export: Export, message: str) -> None:
    if _move(export, WANTED, FAILED, message=message[:300], finished_at=datetime.now(UTC)):
        _tell("export.failed", export, message=message[:300])


def sweep(now: datetime) -> int:
    """As the platform: remove files that nobody fetched in time or that were left behind; returns how many rows."""
    late = Export.objects.filter(status=READY, expires_at__lt=now)
    lost = Export.objects.filter(status__in=WANTED, requested_at__lt=now - LOST_AFTER)
    for export in [*late, *lost]:
        path_of(export).unlink(missing_ok=True)
    gone = late.update(status=CANCELLED, message="Nobody fetched it within a day.")
    return gone + lost.update(status=FAILED, message="No worker came through with it.", finished_at=now)


def _move(export: Export, sources: tuple[str, ...], target: str, **changes: object) -> bool:
    moved = Export.objects.filter(pk=export.pk, status__in=sources).update(status=target, **changes)
    if moved:
        export.refresh_from_db()
    return bool(moved)


def _tell(kind: str, export: Export, **more: object) -> None:
    body = {"export": str(export.pk), "status": export.status, **more}
    announce(Event(kind=kind, body=body, permission=NEEDS))


def _send(owner: Actor, export_id: UUID) -> None:
    """With a dead broker the export stays queued: its owner cancels it, or the sweep says that it was lost."""
    try:
        send_as(owner, MAKE_EXPORT, str(export_id), queue=QUEUE)
    except OperationalError as error:
        log.warning("export %s could not be sent: %s", export_id, error)
