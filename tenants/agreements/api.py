"""The door to agreements for the console."""

from tenants.access import get_agreement
from tenants.agreements.access import with_places
from tenants.agreements.actions import (
    accept_agreement,
    call_off,
    draft_agreement,
    offer_agreement,
    propose_version,
    resume_agreement,
    sign_agreement,
    suspend_agreement,
    terminate_agreement,
)
from tenants.agreements.clauses import clauses_from, maskable, places_offered
from tenants.agreements.data import PRICE_PER
from tenants.agreements.lifecycle import State
from tenants.agreements.preview import preview_of
from tenants.agreements.queries import agreements, current_clauses, standing, steps_of, versions

__all__ = [
    "PRICE_PER",
    "State",
    "accept_agreement",
    "agreements",
    "call_off",
    "clauses_from",
    "current_clauses",
    "draft_agreement",
    "get_agreement",
    "maskable",
    "offer_agreement",
    "places_offered",
    "preview_of",
    "propose_version",
    "resume_agreement",
    "sign_agreement",
    "standing",
    "steps_of",
    "suspend_agreement",
    "terminate_agreement",
    "versions",
    "with_places",
]
