"""The table of faults. Each is a function of a scene that breaks something and then asks the oracle."""

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODULES = ("gateway", "cloud", "servers", "link", "stream", "clock", "feed", "restore", "commands", "many")
Stage = Callable[..., AbstractContextManager[Any]]


@dataclass(frozen=True)
class Fault:
    """`run` fails if something was lost or doubled; what it returns is a figure worth telling, or nothing.

    It is given what `stage`, or else Scene, makes of a directory and `scene`.
    """

    name: str
    what: str
    run: Callable[[Any], str | None]
    stage: Stage | None = None
    scene: Mapping[str, Any] = field(default_factory=dict)

    def staged(self, directory: Path) -> AbstractContextManager[Any]:
        from tests.faults.scene import Scene  # which needs Django set up; the table of names does not

        return (self.stage or Scene)(directory, **self.scene)


FAULTS: dict[str, Fault] = {}


def fault(stage: Stage | None = None, **scene: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enters the function into the table under its own name; its scene is made with `scene`."""

    def enter(run: Callable[..., Any]) -> Callable[..., Any]:
        name = run.__name__.replace("_", "-")
        assert run.__doc__ and name not in FAULTS
        FAULTS[name] = Fault(name, run.__doc__.strip(), run, stage, scene)
        return run

    return enter


def all_faults() -> dict[str, Fault]:
    """By name, in the order of the table."""
    for module in MODULES:
        importlib.import_module(f"tests.faults.{module}")
    return FAULTS
