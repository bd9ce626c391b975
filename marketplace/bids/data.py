"""What a bid says and by what bids are judged, checked at birth: the one place that knows what is acceptable."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from tenants.data import FieldError, Invalid

PRICE_MINOR: Final = 10**15
DELIVERY_D: Final = 3_650
VALIDITY_D: Final = 730
METHOD_CHARS: Final = 10_000
OFFER_CHARS: Final = 4_000
REASON_CHARS: Final = 2_000
# Those for the points of one bid, which an entry of the ledger holds beside the reason for the award and the names.
REASONS_BYTES: Final = 10_000
MOST_CRITERIA: Final = 12
CRITERION_CHARS: Final = 80
CRITERION_KINDS: Final = {
    "price": "the lowest price gets 100 points, twice as much 50",
    "delivery": "the fewest days get 100 points, twice as many 50",
    "own": "the owner gives 0 to 100 points, with a reason",
}
WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class BidContent:
    """What a firm offers. Raises Invalid with a pointer for each value that is not acceptable.

    `price_minor` is in the task's currency's minor units, for all of the work; it is done within `delivery_d` days from
    the contract; `due_d` are the firm's own days for the task's milestones, in their order (none: the task's, within
    those days); the bid holds for `validity_d` days from the deadline.
    """

    price_minor: int
    currency: str
    delivery_d: int
    method: str = ""
    people: str = ""
    equipment: str = ""
    due_d: tuple[int, ...] = ()
    validity_d: int = 90

    def __post_init__(self) -> None:
        errors = tuple(self._errors())
        if errors:
            raise Invalid("Some values of the bid are not acceptable.", errors)

    @property
    def document(self) -> dict[str, Any]:
        return asdict(self) | {"due_d": list(self.due_d)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "BidContent":
        return cls(**{**document, "due_d": tuple(document["due_d"])})

    def _errors(self) -> Iterator[FieldError]:
        for name, most in (("price_minor", PRICE_MINOR), ("delivery_d", DELIVERY_D), ("validity_d", VALIDITY_D)):
            if not 1 <= getattr(self, name) <= most:
                yield FieldError(f"/{name}", f"give 1 to {most}")
        for name, most in (("method", METHOD_CHARS), ("people", OFFER_CHARS), ("equipment", OFFER_CHARS)):
            if len(getattr(self, name)) > most:
                yield FieldError(f"/{name}", f"give at most {most} characters")
        for n, days in enumerate(self.due_d):
            if not 1 <= days <= DELIVERY_D:
                yield FieldError(f"/due_d/{n}", f"give 1 to {DELIVERY_D} days")


@dataclass(frozen=True, slots=True)
class Criterion:
    """`weight` of 100; `kind` is one of CRITERION_KINDS."""

    name: str
    kind: str
    weight: int


DEFAULT_CRITERIA: Final = (Criterion("Price", "price", WHOLE),)


def criteria_from(document: Sequence[Mapping[str, Any]]) -> tuple[Criterion, ...]:
    """`[{"name": …, "kind": …, "weight": …}]`; none is DEFAULT_CRITERIA. Invalid with a pointer for what is wrong."""
    criteria = tuple(Criterion(str(each["name"]).strip(), each["kind"], each["weight"]) for each in document)
    errors = tuple(_criteria_errors(criteria))
    if errors:
        raise Invalid("The criteria are not acceptable.", errors)
    return criteria or DEFAULT_CRITERIA


def _criteria_errors(criteria: tuple[Criterion, ...]) -> Iterator[FieldError]:
    if len(criteria) > MOST_CRITERIA:
        yield FieldError("/criteria", f"give at most {MOST_CRITERIA}")
    for n, each in enumerate(criteria):
        if not 1 <= len(each.name) <= CRITERION_CHARS or each.name in {other.name for other in criteria[:n]}:
            yield FieldError(f"/criteria/{n}/name", f"give 1 to {CRITERION_CHARS} characters, and no name twice")
        if each.kind not in CRITERION_KINDS:
            yield FieldError(f"/criteria/{n}/kind", f"use one of {', '.join(CRITERION_KINDS)}")
        if not 1 <= each.weight <= WHOLE:
            yield FieldError(f"/criteria/{n}/weight", f"give 1 to {WHOLE}")
    if criteria and sum(each.weight for each in criteria) != WHOLE:
        yield FieldError("/criteria", f"the weights sum to {sum(each.weight for each in criteria)}; make it {WHOLE}")


def reason_given(reason: str, pointer: str = "/reason") -> str:
    """The reason without spaces around it; Invalid if there is none, or a very long one."""
    if not 3 <= len(reason.strip()) <= REASON_CHARS:
        raise Invalid("Say why.", (FieldError(pointer, f"give 3 to {REASON_CHARS} characters"),))
    return reason.strip()
