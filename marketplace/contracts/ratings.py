"""What the two say of each other once a contract is closed: blind until both have, or until the time for it is over.

From then on third parties read what the buyer said of the firm, too (references.py).
"""

from datetime import timedelta

from django.contrib.postgres.functions import TransactionNow

from marketplace import queries as market
from marketplace.contracts.data import BLIND_D, STARS
from marketplace.contracts.lifecycle import ContractState
from marketplace.contracts.references import show_reference
from marketplace.contracts.steps import bounded, take_turn, tell
from marketplace.models import Contract, Rating
from tenants.api import on_behalf_of, require
from tenants.data import Conflict, FieldError, Invalid


def rate(*, contract: Contract, stars: int, words: str = "", is_named: bool = False) -> Rating:
    """Once for each party; the second one shows both. `is_named`: third parties may read the buyer's name with it."""
    me = require("comment").tenant_id
    said = bounded(words, "words")
    if not STARS[0] <= stars <= STARS[1]:
        raise Invalid("The rating won't do.", (FieldError("/stars", f"give {STARS[0]} to {STARS[1]}"),))
    if contract.state != ContractState.CLOSED or contract.closed_at is None:
        raise Conflict("A contract is rated once it is closed.")
    if Rating.objects.filter(contract=contract, tenant=me).exists():
        raise Conflict("Your organisation has rated this contract already.")
    take_turn(contract)  # of two that rate at the same moment one is the second
    other = contract.firm_id if me == contract.tenant_id else contract.tenant_id
    now = market.database_time()
    with on_behalf_of(other):
        is_second = Rating.objects.filter(contract=contract).update(revealed_at=TransactionNow())
    rating = Rating.objects.create(
        tenant_id=me,
        about_id=other,
        owner_id=contract.tenant_id,
        contract=contract,
        stars=stars,
        words=said,
        is_named=is_named and me == contract.tenant_id,
        revealed_at=TransactionNow() if is_second else max(now, contract.closed_at + timedelta(days=BLIND_D)),
    )
    if is_second:
        rating.refresh_from_db(fields=["revealed_at"])
        show_reference(contract)
    tell("contract.rated", contract, by=me)
    return rating
