"""JSON as the database can keep it: no NaN or Infinity, no NUL characters, no duplicate keys, no absurd nesting."""

import json
import re
from itertools import accumulate
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

# What reads a body again, such as the encoder of a field, must have room left on the stack below the request's own.
DEEPEST = 100
STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
NO_BRACKET = re.compile(r"[^\[\]{}]+")
STEP = {"[": 1, "{": 1, "]": -1, "}": -1}


def _depth(text: str) -> int:
    brackets = NO_BRACKET.sub("", STRING.sub("", text))
    return max(accumulate(STEP[bracket] for bracket in brackets), default=0)


def _refuse_constant(name: str) -> None:
    raise ParseError(f"{name} is not JSON; send a number or null.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) < len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise ParseError(f"The key {twice!r} is given twice in one object.")
    return seen


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read()
        try:
            text = raw.decode("utf-8")
            parsed = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 (byte {error.start}).") from error
        except json.JSONDecodeError as error:
            raise ParseError(
                f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
            ) from error
        except (RecursionError, ValueError) as error:
            raise ParseError("The body is nested too deeply or holds a number that is too long.") from error
        if _depth(text) > DEEPEST:
            raise ParseError(f"The body is nested more than {DEEPEST} deep.")
        if "\\u0000" in text or "\x00" in text:
            raise ParseError("The body holds a NUL character (\\u0000); leave it out.")
        return parsed
