"""A use of something that is paid for, as the code that causes it words it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Use:
    """`quantity` of `meter`, for the `subject` (its kind and id).

    `event_id` names the effect within its `source`: the same one again is not counted. `tenant_id` is who pays, the
    acting organisation unless it is said; `at` is now unless it is said.
    """

    source: str
    event_id: str
    meter: str
    quantity: Decimal | int
    subject: tuple[str, str]
    tenant_id: UUID | None = None
    counterpart_id: UUID | None = None
    agreement_id: UUID | None = None
    at: datetime | None = None
