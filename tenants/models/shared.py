"""Rows that partners may see: whatever loads one notes the read and leaves out what the clause hides.

`from_db` is where every row becomes an object, also by `select_related`, `raw` and the admin: nobody can forget it.
"""

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models.expressions import Col, Exists, Subquery
from django.db.models.query import ModelIterable
from django.db.models.sql import Query

from tenants.context import opened
from tenants.reads.live_grants import ANY_PERMISSION
from tenants.reads.notes import note


class SharedQuerySet(models.QuerySet[Any]):
    """Gives whole rows only. What would pass them by (`values`, `aggregate`, a hidden field in an annotation) is for
    own rows: call `own` first, or RuntimeError."""

    _own_of: UUID | None = None

    def own(self) -> Self:
        """Only rows of the organisation whose identity is open now; these may be read in any way."""
        found = self.filter(tenant=opened().tenant_id)
        found._own_of = opened().tenant_id
        return found

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self._refuse_unless_own("aggregate")
        return super().aggregate(*args, **kwargs)

    def _clone(self) -> Self:
        clone = super()._clone()
        clone._own_of = self._own_of
        return clone

    def _fetch_all(self) -> None:
        if self._result_cache is None:
            self._check()
        super()._fetch_all()

    def _iterator(self, *args: Any) -> Iterator[Any]:
        self._check()
        return super()._iterator(*args)

    def _check(self) -> None:
        if self._iterable_class is not ModelIterable:
            self._refuse_unless_own("values")
        elif _copies_maskable(self.query):
            self._refuse_unless_own("an annotation of a field that may be hidden")

    def _refuse_unless_own(self, what: str) -> None:
        current = opened()
        if current.actor is not None and (self._own_of is None or self._own_of != current.tenant_id):
            raise RuntimeError(f"{self.model.__name__}: {what} would read partners' rows unnoticed; use own() or rows.")


class SharedModel(models.Model):
    """Mixin of a table that the wall opens to partners.

    `shared_by`: the permission that opens its rows. `shared_place`: its columns with the site and the equipment, or
    `shared_through`: its reference to the shared row whose place it has. `shared_singly`: rows are single observations,
    which a grant with a floor doesn't open. `maskable`: what a clause may hide; `masked`: what it did hide. `tells`:
    fields that give away what others say, and are left out with any of them. `left_out`: both.
    """

    shared_by: ClassVar[str] = ANY_PERMISSION
    shared_place: ClassVar[tuple[str, ...]] = ()
    shared_through: ClassVar[str] = ""
    shared_singly: ClassVar[bool] = False
    maskable: ClassVar[tuple[str, ...]] = ()
    tells: ClassVar[dict[str, tuple[str, ...]]] = {}
    masked: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    objects = SharedQuerySet.as_manager()

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any) -> Self:
        row = super().from_db(db, field_names, values)
        row._leave_out(note(row))
        return row

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        self._leave_out(note(self))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """RuntimeError for a row of which something is hidden: it would be lost."""
        if self.masked:
            raise RuntimeError(f"{self.masked} of this row are hidden; read it in its owner's name to write it.")
        super().save(*args, **kwargs)

    @classmethod
    @cache
    def hideable(cls) -> tuple[str, ...]:
        """What is asked of a clause: fields of its own, and those of other rows that its own give away."""
        return tuple(dict.fromkeys((*cls.maskable, *chain.from_iterable(cls.tells.values()))))

    def _leave_out(self, hidden: tuple[str, ...]) -> None:
        telling = self._telling(hidden)
        self.masked = tuple(name for name in hidden if name in self.maskable)
        self.left_out = (*self.masked, *telling)
        for name in self.left_out:
            setattr(self, name, None)

    def _telling(self, hidden: tuple[str, ...]) -> list[str]:
        return [name for name, of in self.tells.items() if not set(of).isdisjoint(hidden)]


def shared_models() -> list[type[SharedModel]]:
    from django.apps import apps

    return [model for model in apps.get_models() if issubclass(model, SharedModel)]


def _copies_maskable(query: Query) -> bool:
    """Whether a selected expression, or one of a subquery in it, holds a field that may be hidden."""
    parts = [part for made in (*query.select, *query.annotation_select.values()) for part in made.flatten()]
    subqueries = [part.query for part in parts if isinstance(part, Subquery) and not isinstance(part, Exists)]
    return any(_is_maskable(part) for part in parts) or any(map(_copies_maskable, subqueries))


def _is_maskable(part: Any) -> bool:
    if not isinstance(part, Col):
        return False
    model = part.target.model
    return issubclass(model, SharedModel) and part.target.name in model.maskable
