"""The countries that a place may be in."""

from functools import cache

import pycountry


@cache
def countries() -> dict[str, str]:
    """Two capital letters (ISO 3166-1) → the name by which it is commonly known, by name."""
    named = {each.alpha_2: getattr(each, "common_name", each.name) for each in pycountry.countries}
    return dict(sorted(named.items(), key=lambda pair: pair[1]))
