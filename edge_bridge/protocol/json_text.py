"""Between bytes and plain JSON values, within the limits of the wire; every failure is a ProtocolError."""

import json
from typing import Any, NoReturn

from .messages import MAX_MESSAGE_BYTES, ProtocolError


def parse(data: bytes | str) -> Any:
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_MESSAGE_BYTES:
        raise ProtocolError("", f"is {len(raw)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        return _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ProtocolError("", f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ProtocolError("", f"is not JSON at character {error.pos}: {error.msg}") from None
    except RecursionError:
        raise ProtocolError("", "is nested too deeply") from None
    except ProtocolError:
        raise
    except ValueError:  # the interpreter's limit on digits of an integer
        raise ProtocolError("", "has a number with too many digits") from None


def dump(value: dict[str, Any]) -> bytes:
    data = _ENCODER.encode(value).encode()
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError("", f"is {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    return data


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError("", f"has {name}; numbers must be finite")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ProtocolError("", "has an object with the same name twice")
    return value


# Made once: json.loads and json.dumps make theirs anew with each call that has options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique_keys)
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)


def show(value: Any) -> str:
    if isinstance(value, dict | list | tuple):  # its text may be as long, or as deep, as the sender likes
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolError("", f"must be an object, is {show(value)}")
    return value
