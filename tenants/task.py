"""Celery tasks carry the identity of who asked for them in a header; a task without one is refused."""

from typing import Any
from uuid import UUID

from celery import Task, current_app

from tenants.data import Actor
from tenants.sweeps import note_sweep

HEADER = "actor"


class ActorTask(Task):
    """Base of every task. `send_as` queues it; `self.actor` is who it acts for while it runs.

    A `system` task (a sweep, a partition maker) acts for no organisation and may only use `as_platform`.
    """

    abstract = True
    system = False

    @property
    def actor(self) -> Actor:
        return _unpacked((self.request.headers or {})[HEADER])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.system and HEADER not in (self.request.headers or {}):
            raise PermissionError(f"{self.name} was sent without an identity; use send_as.")
        result = super().__call__(*args, **kwargs)
        if self.system:
            note_sweep(self.name)
        return result


def send_as(actor: Actor, task_name: str, *args: Any, queue: str) -> None:
    """Queue a task of which only the name is known, since an action never imports its own app's tasks."""
    current_app.send_task(task_name, args, queue=queue, headers={HEADER: _packed(actor)})


def _packed(actor: Actor) -> dict[str, Any]:
    return {
        "tenant": str(actor.tenant_id),
        "user": actor.user_id and str(actor.user_id),
        "roles": sorted(actor.roles),
        "via": actor.via,
        "scopes": None if actor.scopes is None else sorted(actor.scopes),
        "purpose": actor.purpose,
    }


def _unpacked(packed: dict[str, Any]) -> Actor:
    return Actor(
        tenant_id=UUID(packed["tenant"]),
        user_id=packed["user"] and UUID(packed["user"]),
        roles=frozenset(packed["roles"]),
        via=packed["via"],
        scopes=None if packed["scopes"] is None else frozenset(packed["scopes"]),
        purpose=packed["purpose"],
    )
