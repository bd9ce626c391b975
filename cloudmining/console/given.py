"""Numbers out of what a form has posted."""

from django.http import QueryDict

from tenants.data import FieldError, Invalid


def whole(given: QueryDict, name: str) -> int:
    """Invalid, in words for who looks at the page, if there is none."""
    text = given.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid(f"The {name} is missing; reload the page.", (FieldError(f"/{name}", "give a whole number"),))
    return int(text)
