"""The door to sharing for the console and the administrations."""

from tenants.sharing.access import get_received_agreement
from tenants.sharing.actions import clear_delegation, delegate
from tenants.sharing.explain import Explanation, explain, kinds
from tenants.sharing.queries import Way, clauses, delegation_of, purposes_in_force, ways_of
from tenants.sharing.standing import WORDS
from tenants.sharing.table import as_csv
from tenants.sharing.words import narrowing_of, summary_of, words_of

__all__ = [
    "WORDS",
    "Explanation",
    "Way",
    "as_csv",
    "clauses",
    "clear_delegation",
    "delegate",
    "delegation_of",
    "explain",
    "get_received_agreement",
    "kinds",
    "narrowing_of",
    "purposes_in_force",
    "summary_of",
    "ways_of",
    "words_of",
]
