"""The only way to the database: a transaction that carries an identity.

`acting_as(actor)` is what every request, task, consumer call, command and admin action uses. `presenting(...)` is the
narrow door before it, where a credential is looked up by its own hash. `as_platform(...)` is named operator code on the
role that passes row-level security; each use leaves a `PlatformAccess` row.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections, transaction
from psycopg.pq import TransactionStatus

from tenants.data import Actor, Event, Names
from tenants.ids import new_id
from tenants.ledger.text import Decision
from tenants.metering.use import Use
from tenants.reads.live_grants import Reads


@dataclass
class Transaction:
    """The open transaction: who acts, on which alias, and what is announced when it commits.

    A platform sweep that found no row clears `leaves_trace`: nothing was seen, so there is nothing to audit. `who` is
    the operator, where there is no actor; `presented` what somebody who has no identity yet may show for one.
    """

    actor: Actor | None
    alias: str = "default"
    who: str = ""
    presented: dict[str, Any] | None = None
    events: list[Event] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    before_commit: list[Callable[["Transaction"], None]] = field(default_factory=list)
    write_ledger: Callable[["Transaction"], None] | None = None
    write_feed: Callable[["Transaction"], None] | None = None
    is_closing: bool = False
    write_usage: Callable[["Transaction"], None] | None = None
    leaves_trace: bool = True
    names: Names | None = None
    reads: Reads = field(default_factory=Reads)
    tenant_id: UUID | None = field(init=False)

    def __post_init__(self) -> None:
        self.tenant_id = self.actor.tenant_id if self.actor else None

    def finish(self) -> None:
        """Heads of ledgers are locked after all else and those of feeds after them, in all transactions alike."""
        for work in self.before_commit:
            work(self)
        self.is_closing = True
        for write in (self.write_ledger, self.write_feed):
            if write is not None:
                write(self)
        if self.write_usage is not None:  # last, since it counts what the feed delivered
            self.write_usage(self)


REPEATABLE: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
SNAPSHOT: Final = f"{REPEATABLE}, READ ONLY"
# By name, since the tables' own modules ask this one who acts.
_TRACE: Final = """
INSERT INTO tenants_platformaccess AS kept (id, who, reason, on_date, uses, first_at, last_at)
VALUES (%(id)s, %(who)s, %(reason)s, %(day)s, 1, %(at)s, %(at)s)
ON CONFLICT (who, reason, on_date) DO UPDATE SET uses = kept.uses + 1, last_at = EXCLUDED.last_at
"""
_open: ContextVar[Transaction | None] = ContextVar("open_transaction", default=None)


class IdentityRouter:
    """Queries go where the open transaction is; outside of one they see zero rows on the application role."""

    def db_for_read(self, model: type, **hints: Any) -> str:
        opened = _open.get()
        return opened.alias if opened else "default"

    db_for_write = db_for_read

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


def if_opened() -> Transaction | None:
    """The open transaction, for what may also run outside of one."""
    return _open.get()


def opened() -> Transaction:
    """The open transaction; RuntimeError outside of one, since that is a mistake in our code."""
    current = _open.get()
    if current is None:
        raise RuntimeError("No identity: open the transaction with tenants.context.acting_as.")
    return current


@contextmanager
def acting_as(actor: Actor, *, snapshot: bool = False, repeatable: bool = False) -> Iterator[Transaction]:
    """Open the transaction of `actor`; events announced in it are delivered just before it commits.

    A `snapshot` only reads, and sees the database as it is at its beginning; a `repeatable` one sees it so too, and may
    write what nobody else does. Raises RuntimeError if a transaction is
    open already: identities don't nest.
    """
    settings = {
        "app.tenant": actor.tenant_id,
        "app.user": actor.user_id,
        "app.purpose": actor.purpose,
        "app.roles": ",".join(sorted(actor.roles)),
    }
    mode = SNAPSHOT if snapshot else REPEATABLE if repeatable else ""
    with _transaction(Transaction(actor), settings, mode) as current:
        yield current
        current.finish()


@contextmanager
def presenting(*, credential: str = "", user_id: UUID | None = None) -> Iterator[Transaction]:
    """Look up what a credential's hash, a login name or a signed-in user may become: only those very rows are seen.

    Within another `presenting` (a page for signing in is one transaction) it holds for the block only.
    """
    presented = {"app.credential": credential, "app.user": user_id}
    current = _open.get()
    if current is not None and current.presented is not None:
        with _presenting_besides(current, presented):
            yield current
        return
    with _transaction(Transaction(None, presented=presented), presented) as current:
        yield current
        current.finish()


@contextmanager
def _presenting_besides(current: Transaction, presented: dict[str, Any]) -> Iterator[None]:
    before = current.presented or {}
    _present(current, presented)
    try:
        yield
    finally:
        current.presented = before
        if not _is_aborted(current.alias):
            _present(current, before)


def identify(user_id: UUID | None) -> None:
    """From here to its end, the transaction of somebody who is signing in sees that user's own rows.

    Nothing outside of such a transaction, where each look-up says for itself whose rows it wants.
    """
    current = _open.get()
    if current is not None and current.presented is not None:
        _present(current, {**current.presented, "app.user": user_id})


def _present(current: Transaction, presented: dict[str, Any]) -> None:
    _set(current.alias, presented)
    current.presented = presented


@contextmanager
def on_behalf_of(owner_id: UUID) -> Iterator[None]:
    """Inside `acting_as`: carry out what `owner_id` has offered in a published task or an active agreement.

    A counterparty's claim sets the owner's grants in motion; the caller has verified the offer under its own identity.
    Announcements stay the actor's.
    """
    current = opened()
    before = current.tenant_id
    if before != owner_id:
        _become(current, owner_id)
    try:
        yield
    finally:
        current.tenant_id = before
        current.reads.grants.clear()  # the owner may have opened something just now
        # An aborted transaction takes no command; rolling it back, whole or to a savepoint, restores the setting.
        if before != owner_id and not _is_aborted(current.alias):
            _become(current, before)


@contextmanager
def as_platform(who: str, reason: str) -> Iterator[Transaction]:
    """Operator code past row-level security, with an audit row for who, why and the day."""
    with _transaction(Transaction(None, alias="platform", who=who), {}) as current:
        yield current
        current.finish()
        if current.leaves_trace:
            _leave_trace(current, reason)


@contextmanager
def _transaction(current: Transaction, settings: dict[str, Any], mode: str = "") -> Iterator[Transaction]:
    if _open.get() is not None:
        raise RuntimeError("A transaction with an identity is open already.")
    token = _open.set(current)
    try:
        with transaction.atomic(using=current.alias, durable=True):
            if mode:
                _execute(current.alias, mode)
            if settings:
                _set(current.alias, settings)
            yield current
    finally:
        _open.reset(token)


def _leave_trace(current: Transaction, reason: str) -> None:
    now = datetime.now(UTC)
    values = {"id": new_id(), "who": current.who[:254], "reason": reason[:300], "day": now.date(), "at": now}
    with connections[current.alias].cursor() as cursor:
        cursor.execute(_TRACE, values)


def _become(current: Transaction, tenant_id: UUID | None) -> None:
    _set(current.alias, {"app.tenant": tenant_id})
    current.tenant_id = tenant_id


def _is_aborted(alias: str) -> bool:
    return connections[alias].connection.info.transaction_status == TransactionStatus.INERROR


def _execute(alias: str, statement: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)


def _set(alias: str, settings: dict[str, Any]) -> None:
    calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
    values = [str(part or "") for pair in settings.items() for part in pair]
    with connections[alias].cursor() as cursor:
        cursor.execute(f"SELECT {calls}", values)
