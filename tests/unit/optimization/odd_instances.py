"""Random tiny instances of every odd kind at once, and the program that they are held against."""

from __future__ import annotations

import random
from dataclasses import replace

import pyomo.environ as pyo
from hypothesis import strategies as st

from optimization.data import BoxSet, BudgetSet, Mine, NominalSet, SupplyChainInstance
from optimization.formulation.limits import Limits
from optimization.formulation.program import build_program
from optimization.generator import generate

PerPeriod = tuple[float, ...]


@st.composite
def odd_instances(draw: st.DrawFn, most_mines: int = 2) -> SupplyChainInstance:
    """Sparse lanes, no demand here and there, opening stocks, stock limits that rise and fall, free start-ups."""
    n_mines, n_periods = draw(st.integers(1, most_mines)), draw(st.integers(1, 3))
    size = (n_mines, draw(st.integers(1, 2)), draw(st.integers(1, 2)), n_periods)
    made = generate(*size, 2, draw(st.integers(1, 2)), draw(st.integers(0, 10_000)), density=draw(share(0.5, 1)))
    # What is cut and spread is not drawn one by one: an example stays small enough to be shrunk.
    dice = random.Random(draw(st.integers(0, 10_000)))
    room, dear, opening = draw(share(0, 0.3, 1, 3)), draw(share(0, 1, 20)), draw(share(0, 0.5, 3))
    made = replace(
        made,
        mines=tuple(_odd_mine(mine, dice, opening, dear) for mine in made.mines),
        demands=tuple(replace(d, D=_some(d.D, dice)) for d in made.demands),
        centres=tuple(replace(c, V=tuple(room * v for v in c.V)) for c in made.centres),
        mill_lanes=tuple(
            replace(lane, g=dear * lane.g, w0=_opening(opening * lane.R[0], dice), F=_some(lane.F, dice))
            for lane in made.mill_lanes
        ),
        user_lanes=tuple(replace(lane, G=_some(lane.G, dice)) for lane in made.user_lanes),
        uncertainty=draw(st.sampled_from([NominalSet(), BoxSet(), *(BudgetSet((g,) * n_mines) for g in (0.5, 1.0))])),
    )
    return made


def share(*values: float) -> st.SearchStrategy[float]:
    return st.sampled_from(values)


def _some(values: PerPeriod, dice: random.Random) -> PerPeriod:
    return tuple(value * (dice.random() < 0.7) for value in values)


def _opening(tonnes: float, dice: random.Random) -> float:
    return round(tonnes * dice.random(), 1) if dice.random() < 0.5 else 0.0


def _odd_mine(mine: Mine, dice: random.Random, opening: float, dear: float) -> Mine:
    """Umin jumps up and down; Umax leaves room above it, at times less than what is in stock."""
    level = max(mine.Umax) / 3
    least = tuple(round(level * dice.random(), 1) * (dice.random() < 0.5) for _ in mine.P)
    most = tuple(low + round(level * dice.choice((0.0, 0.2, 3.0)), 1) for low in least)
    locations = tuple(
        replace(i, cutoffs=tuple(replace(j, K=_some(j.K, dice)) for j in i.cutoffs)) for i in mine.locations
    )
    P = tuple(p * dice.choice((0.7, 1.0, 2.0)) for p in mine.P)
    return replace(
        mine, h=dear * mine.h, u0=_opening(opening * level, dice), Umin=least, Umax=most, P=P, locations=locations
    )


def plain_program(instance: SupplyChainInstance) -> pyo.ConcreteModel:
    """The numbered rows with no bound but the data's own, so no argument about useful tonnes is taken for granted."""
    rising = (0.0,) * (len(instance.periods) - 1)
    limits = Limits(
        x={key: cutoff.xmax for key, cutoff in instance.cutoff_by_key.items()},
        y={mine.name: mine.Q for mine in instance.mines},
        u={mine.name: (mine.Umin, mine.Umax) for mine in instance.mines},
        v={key: lane.R for key, lane in instance.mill_lane_by_key.items()},
        w={
            key: ((*rising, lane.w_end), instance.centre_by_name[lane.centre].V)
            for key, lane in instance.mill_lane_by_key.items()
        },
    )
    return build_program(instance, cuts=False, limits=limits)
