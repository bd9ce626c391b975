"""The public door of the ledger for the console. What enters it from other apps goes by `tenants.api.enter`."""

from tenants.ledger.bundle import range_bundle, subject_bundle
from tenants.ledger.queries import end_of, entries_about, entries_where, get_entry
from tenants.ledger.supervising import bundle_supervised, supervised, verify_supervised
from tenants.ledger.text import canonical_json, text_of
from tenants.ledger.verification import verify_from

__all__ = [
    "bundle_supervised",
    "canonical_json",
    "end_of",
    "entries_about",
    "entries_where",
    "get_entry",
    "range_bundle",
    "subject_bundle",
    "supervised",
    "text_of",
    "verify_from",
    "verify_supervised",
]
