"""Numbers of tables as people read them."""

from typing import Any

from django import template

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
