"""What the OpenAPI document says can be asked: operations, their id parameters, and bodies that fit their schema."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

Schema = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class IdParameter:
    """A place in a request that names an object: a path argument, a query parameter or a value in the body."""

    where: str
    name: str


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    operation_id: str
    needs_identity: bool
    ids: tuple[IdParameter, ...]
    choices: tuple[str, ...]
    body: Schema | None

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path}"


@cache
def document() -> Schema:
    return SchemaGenerator().get_schema(request=None, public=True)


@cache
def operations() -> tuple[Operation, ...]:
    found = []
    for path, item in document()["paths"].items():
        found += [_operation(method, path, item[method]) for method in METHODS if method in item]
    return tuple(found)


def _operation(method: str, path: str, said: Schema) -> Operation:
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    ids = [IdParameter(p["in"], p["name"]) for p in said.get("parameters", []) if _names_object(p)]
    ids += [IdParameter("body", name) for name in _uuid_fields(body)] if body else []
    choices = [choice for parameter in said.get("parameters", []) for choice in _choices(parameter)]
    return Operation(method, path, said["operationId"], said.get("security") != [{}], tuple(ids), tuple(choices), body)


def _choices(parameter: Schema) -> list[str]:
    """The query strings that choose other rows than the default: `shared=true`, `scope=claimed`, …"""
    name, schema = parameter["name"], resolved(parameter["schema"])
    if parameter["in"] != "query" or name in ("format", "lang"):
        return []
    if schema.get("type") == "boolean":
        return [f"{name}=true", f"{name}=false"]
    return [f"{name}={value}" for value in schema.get("enum", [])]


def _names_object(parameter: Schema) -> bool:
    is_path = parameter["in"] == "path"
    return is_path or (parameter["in"] == "query" and parameter["schema"].get("format") == "uuid")


def resolved(schema: Schema) -> Schema:
    """Follows `$ref`, and `allOf` with one member, as drf-spectacular writes them."""
    while True:
        if "$ref" in schema:
            schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        elif len(schema.get("allOf", [])) == 1:
            schema = schema["allOf"][0]
        else:
            return schema


def _uuid_fields(schema: Schema, depth: int = 0) -> list[str]:
    """Names of writable values that are ids, wherever they are in the body."""
    schema = resolved(schema)
    if schema.get("type") == "array":
        return _uuid_fields(schema["items"], depth)
    found = []
    for name, part in schema.get("properties", {}).items():
        part = resolved(part)
        if part.get("readOnly"):
            continue
        if _is_id(part):
            found.append(name)
        elif depth < 3:
            found += _uuid_fields(part, depth + 1)
    return list(dict.fromkeys(found))


def _is_id(schema: Schema) -> bool:
    return schema.get("format") == "uuid" or (
        schema.get("type") == "array" and resolved(schema["items"]).get("format") == "uuid"
    )


def body_of(schema: Schema, ids: dict[str, str], name: str = "") -> Any:
    """The smallest value that fits the schema; every id in it, required or not, is the one that `ids` has by name."""
    schema = resolved(schema)
    if "default" in schema:
        return schema["default"]
    for way in ("oneOf", "anyOf"):
        if way in schema:
            return body_of(schema[way][0], ids, name)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return _object(schema, ids)
        case "array":
            return [body_of(schema["items"], ids, name)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return False
        case _:
            return _text(schema, ids, name)


def _object(schema: Schema, ids: dict[str, str]) -> dict[str, Any]:
    required = set(schema.get("required", []))
    parts = {name: resolved(part) for name, part in schema.get("properties", {}).items()}
    return {
        name: body_of(part, ids, name)
        for name, part in parts.items()
        if not part.get("readOnly") and (name in required or (_is_id(part) and name in ids))
    }


def _text(schema: Schema, ids: dict[str, str], name: str) -> str:
    match schema.get("format"):
        case "uuid":
            return ids[name]
        case "date-time":
            return "2031-01-01T00:00:00Z"
        case "date":
            return "2031-01-01"
        case "email":
            return "somebody@example.com"
        case "decimal":
            return "1"
    return "x" * max(1, schema.get("minLength", 1))
