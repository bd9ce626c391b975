"""What opens a place, and what keeps it shut, in words. Pure but for the rows it reads from."""

from datetime import UTC, datetime

from tenants.models import Agreement, Clause
from tenants.roles import SITE_PERMISSIONS
from tenants.sharing.explain import Explanation
from tenants.sharing.queries import Way
from tenants.sharing.standing import WORDS


def words_of(way: Way) -> str:
    """One sentence: who, what, where, by which clause, until when, how narrowed, and why not now."""
    clause, agreement = way.clause, way.clause.agreement
    may = "may" if way.in_force else "may not"
    what = SITE_PERMISSIONS[way.permission].lower()
    said = f"{agreement.partner_name} {may} {what} at {place_of(clause)}, by {basis_of(clause)}, {until(way.ends_at)}"
    narrowed = narrowing_of(clause)
    return f"{said}{'; ' if narrowed else ''}{', '.join(narrowed)}{_because(way)}."


def place_of(clause: Clause) -> str:
    return f"{clause.name} ({clause.code})" if clause.name else clause.code


def basis_of(clause: Clause) -> str:
    agreement = clause.agreement
    basis = f"version {clause.version.number} of “{agreement.title}”"
    return f"{basis} under {agreement.statute}" if agreement.kind == Agreement.Kind.MANDATE else basis


def until(moment: datetime | None) -> str:
    return "without an end" if moment is None else f"until {moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def narrowing_of(clause: Clause) -> list[str]:
    """How a clause gives less than the plain permission."""
    found = {
        f"only for the purpose {clause.purpose}": clause.purpose,
        f"without {', '.join(clause.field_mask)}": clause.field_mask,
        f"{clause.delay_s} s later": clause.delay_s,
        f"only figures over at least {clause.floor_n} readings": clause.floor_n,
    }
    return [said for said, holds in found.items() if holds]


def summary_of(explanation: Explanation) -> str:
    """The answer in a sentence or two."""
    parties = sorted({way.clause.agreement.partner_name for way in explanation.in_force})
    if not explanation.is_own:
        owner = explanation.ways[0].clause.agreement.owner_name
        return f"{owner} has opened it to you." if parties else "You may not see it now, for the reasons given."
    roles = f"Your own members see it as {', '.join(explanation.roles)}."
    return f"{roles} Of partners: {', '.join(parties) or 'nobody'}."


def _because(way: Way) -> str:
    return f" — {', and '.join(WORDS[reason] for reason in way.why_not)}" if way.why_not else ""
