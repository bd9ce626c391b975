"""The table of faults. Each is a function of a scene that breaks something and then asks the oracle."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODULES = ("gateway", "cloud", "servers", "link", "stream", "clock", "feed", "restore")


@dataclass(frozen=True)
class Fault:
    """`run` fails if something was lost or doubled; what it returns is a figure worth telling, or nothing."""

    name: str
    what: str
    run: Callable[[Any], str | None]
    scene: Mapping[str, Any] = field(default_factory=dict)


FAULTS: dict[str, Fault] = {}


def fault(**scene: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters the function into the table under its own name; its scene is made with `scene`."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        name = run.__name__.replace("_", "-")
        assert run.__doc__ and name not in FAULTS
        FAULTS[name] = Fault(name, run.__doc__.strip(), run, scene)
        return run

    return enter


def all_faults() -> dict[str, Fault]:
    """By name, in the order of the table."""
    for module in MODULES:
        importlib.import_module(f"tests.faults.{module}")
    return FAULTS
