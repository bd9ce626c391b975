"""What every simulated machine is: something that steps through time, shows values, may be hurt and commanded."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from terminal_sim.faults import FaultKind

AMBIENT_CEL = 24.0


class CommandRefused(Exception):
    """Why a machine does not do what it is told, in words."""


@dataclass
class Machine(ABC):
    """`hurt`: the faults that hold now, with their present size. Everything random comes from `rng`.

    `units`: UCUM code of each tag it shows. `commands`: tag to the lowest and highest value it may be set to.
    `links`: attribute to the kinds of machine that may stand there. `suffers`: faults of the world it knows.
    """

    rng: Random
    hurt: Mapping[FaultKind, float] = field(default_factory=dict, init=False)

    units: ClassVar[Mapping[str, str]]
    commands: ClassVar[Mapping[str, tuple[float, float]]] = {}
    links: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    suffers: ClassVar[frozenset[FaultKind]] = frozenset()

    def begin(self) -> None:  # noqa: B027
        """Called once, when all machines are linked."""

    @abstractmethod
    def step(self, dt_s: float) -> None: ...

    @abstractmethod
    def values(self) -> Mapping[str, float]:
        """What its sensors would show if nothing were wrong with them, in `units`."""

    def obey(self, tag: str, value: float) -> None:
        """CommandRefused if it cannot; `tag` is one of `commands` and `value` within its bounds."""
        raise CommandRefused("takes no commands")


def towards(value: float, target: float, share: float) -> float:
    return value + (target - value) * min(share, 1.0)
