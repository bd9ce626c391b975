"""What every operation takes, told in the OpenAPI document once for all."""

from typing import Any

HEADERS = (
    (
        "X-Tenant",
        "Slug or id of the organisation to act for, of a user in several; a key is of one and can confirm it.",
    ),
    ("X-Purpose", "What the request is for, as a clause names it: some grants are in force only for their purpose."),
)
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of what you read: the change is refused (412) if it is not any more what is there.",
}


def add_headers(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """drf-spectacular's hook, after the document is made."""
    parameters = [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": words}
        for name, words in HEADERS
    ]
    for methods in result["paths"].values():
        if "patch" in methods:
            _add_preconditions(methods)
        for operation in methods.values():
            if operation.get("security"):
                known = {given["name"] for given in operation.get("parameters", [])}
                added = [given for given in parameters if given["name"] not in known]
                operation["parameters"] = [*operation.get("parameters", []), *added]
    return result


def _add_preconditions(methods: dict[str, Any]) -> None:
    """Of an address with a PATCH: the ETag of what is there, and that the change may be held against it."""
    for method in ("get", "patch"):
        methods[method]["responses"]["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    change = methods["patch"]
    change["parameters"] = [*change.get("parameters", []), IF_MATCH]
    change["responses"]["412"] = {"description": "It is not any more what you read; nothing was changed."}
