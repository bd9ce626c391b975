"""JSON Schema of what types say. Pure."""

import inspect
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

MASKED: Final = "masked"
_PLAIN: Final[dict[Any, Schema]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}


def schema_of_body(kind: Any) -> Schema:
    """Of a TypedDict that is the body of an event: a closed object; of its keys some may be masked."""
    properties = properties_of(kind)
    hidden = {MASKED: {"type": "array", "items": {"enum": list(properties)}, "minItems": 1, "uniqueItems": True}}
    return {
        "type": "object",
        "description": inspect.getdoc(kind),
        "properties": properties | hidden,
        "anyOf": [{"required": sorted(kind.__required_keys__)}, {"required": [MASKED]}],
        "additionalProperties": False,
    }


def properties_of(kind: Any) -> dict[str, Schema]:
    return {name: schema_of(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}


def schema_of(hint: Any) -> Schema:
    """TypeError for what has no schema here."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is NotRequired:
        return schema_of(arguments[0])
    if origin is Annotated:
        return schema_of(arguments[0]) | {"format": arguments[1]}
    if origin in (UnionType, Union):
        return {"anyOf": [schema_of(each) for each in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is dict:
        return {"type": "object"}
    raise TypeError(f"{hint} has no schema")
