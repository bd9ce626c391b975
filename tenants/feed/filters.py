"""What a client asks for of a feed: kinds, sites, equipment, severities. It only narrows what rights allow. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

from tenants.data import FieldError, Invalid
from tenants.feed.values import BadFrame, Reader, uuid

MOST_VALUES: Final = 50
PREFIX: Final = re.compile(r"[a-z][a-z0-9_.]{0,59}")
SEVERITY: Final = re.compile(r"[a-z][a-z_]{0,19}")


@dataclass(frozen=True, slots=True)
class Filter:
    """Events that fit every criterion that is given; of a criterion's values one is enough.

    `kinds` are beginnings of kinds, such as `alarm.`. Site, equipment and severity are those that the client is shown:
    what a clause hides can't be found out by filtering for it.
    """

    kinds: tuple[str, ...] | None = None
    sites: tuple[UUID, ...] | None = None
    equipment: tuple[UUID, ...] | None = None
    severities: tuple[str, ...] | None = None

    def wants_kind(self, kind: str) -> bool:
        return self.kinds is None or kind.startswith(self.kinds)

    def wants(self, kind: str, site: UUID | None, equipment: UUID | None, body: Mapping[str, Any]) -> bool:
        return (
            self.wants_kind(kind)
            and (self.sites is None or site in self.sites)
            and (self.equipment is None or equipment in self.equipment)
            and (self.severities is None or body.get("severity") in self.severities)
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON values: the criteria that are given."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: [str(value) for value in values] for name, values in given.items() if values is not None}


EVERYTHING: Final = Filter()


def read_filter(value: Any, pointer: str) -> Filter:
    """From JSON values; a list alone is one of kinds. BadFrame says what is wrong."""
    if isinstance(value, list):
        return Filter(kinds=_list(value, pointer, _prefix))
    if not isinstance(value, dict):
        raise BadFrame(f"{pointer}: must be an object with {', '.join(_READERS)}; leave it out for everything.")
    surplus = sorted(set(value) - set(_READERS))
    if surplus:
        raise BadFrame(f"{pointer}/{surplus[0][:40]}: there is no such criterion; use {', '.join(_READERS)}.")
    return Filter(**{name: _list(values, f"{pointer}/{name}", _READERS[name]) for name, values in value.items()})


def asked_filter(value: Any, pointer: str = "") -> Filter:
    """From a request's JSON values; Invalid names the bad one."""
    try:
        return read_filter(value, pointer) if value else EVERYTHING
    except BadFrame as error:
        where, _, message = str(error).partition(": ")
        raise Invalid("The filter can't be used.", (FieldError(where, message),)) from error


def _list(values: Any, pointer: str, read: Reader) -> tuple[Any, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= MOST_VALUES:
        raise BadFrame(f"{pointer}: must be a list of 1 to {MOST_VALUES} values; leave it out for everything.")
    return tuple(read(value, f"{pointer}/{index}") for index, value in enumerate(values))


def _prefix(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not PREFIX.fullmatch(value):
        raise BadFrame(f"{pointer}: must be the beginning of a kind, such as 'alarm.'.")
    return value


def _severity(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not SEVERITY.fullmatch(value):
        raise BadFrame(f"{pointer}: must be a severity, such as 'critical'.")
    return value


_READERS: Final[dict[str, Reader]] = {"kinds": _prefix, "sites": uuid, "equipment": uuid, "severities": _severity}
