"""Numbers of tables as people read them."""

from typing import Any

from django import template

from cloudmining.console.money import in_words as amount_in_words

register = template.Library()


@register.filter
def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@register.filter
def plainly(value: Any) -> Any:
    """Thousands apart; as many digits behind the point as matter. Nothing for None."""
    if value is None:
        return ""
    if not is_number(value) or isinstance(value, int):
        return f"{value:,}" if is_number(value) else value
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"


@register.filter
def measured(value: float, unit: str) -> str:
    """With its unit, of which "1" (UCUM for what has none) is not said."""
    return f"{value:g}" if unit in ("", "1") else f"{value:g} {unit}"


@register.filter
def percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.0f} %"


@register.filter
def basis_points(share: int) -> str:
    """Hundredths of a percent as percent."""
    return f"{share / 100:g} %"


@register.filter
def money(amount_minor: int, currency: str) -> str:
    """Minor units as people read them, with the currency."""
    return amount_in_words(amount_minor, currency)


@register.filter
def minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f}"


@register.filter
def in_words(name: str) -> str:
    """A name of the API as people read it."""
    return name.replace("_", " ")


@register.filter
def of(mapping: dict[str, Any], key: Any) -> Any:
    """What stands under a key that is no word, or nothing."""
    return mapping.get(str(key))


@register.filter
def held_against_first(row: Any) -> list[tuple[str, dict[str, str] | None]]:
    """Each value of a row of a comparison, and how far it is from the first that is known; costs that fall are good."""
    first = next((value for value in row.values if value is not None), None)
    return [
        (_told(value, row.unit), None if value is None else _change(value - first, row.unit)) for value in row.values
    ]


def _told(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.2f}" if unit == "fraction" else f"{value:,.0f}"


def _change(change: float, unit: str) -> dict[str, str] | None:
    """None where nobody would see it."""
    size = _told(abs(change), unit)
    if not size.strip("0."):
        return None
    tone = ("bad" if change > 0 else "good") if unit == "$" else ""
    return {"words": f"{'+' if change > 0 else '−'}{size}", "tone": tone}
