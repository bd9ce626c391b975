"""Parts of a plan of several organisations: what one may bring, and how the parts make one instance.

A part is a fragment of an instance's document: {mines, centres, mill_lanes, user_lanes, demands, budget}. A participant
is any text that tells it from the others. Who brings a figure pays for it, and nobody else is told it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from optimization.data import InstanceError, Problem, SupplyChainInstance
from optimization.documents import MAX_PROBLEMS
from optimization.request import read_request

FORMAT = "cloudmining.instance/1"
FRAME = ("periods", "uncertainty", "options")
KINDS = ("nominal", "box", "budget", "paper")
OBJECTS = ("mine", "centre", "user")
LINKS = {"mill_lanes": ("mine", "centre"), "user_lanes": ("centre", "user"), "demands": ("mine", "user")}
SECTIONS = ("mines", "centres", *LINKS)
MOST_NAMES = 1000
MOST_BUDGET = 1e9
# Room for any closing stock that a lane to somebody else's centre asks for.
ROOMY = 999_999_999.0

UNFIT = {
    "demands": "no centre has a lane from its mine and one to its user: have both brought, or drop the demand",
    "centres": "has less room at the end than the lanes to it ask for as w_end: give more, or have them ask for less",
    "mill_lanes": "the lanes to its centre ask for more at the end than there is room: ask for less",
}
UNFIT_ROW = "does not fit with what the others bring"

Document = Mapping[str, Any]
Problems = Mapping[str, Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class Seat:
    """The names of mines, centres and users that a participant brings."""

    participant: str
    mines: tuple[str, ...] = ()
    centres: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def names(self, kind: str) -> tuple[str, ...]:
        """`kind` is mine, centre or user."""
        found: tuple[str, ...] = getattr(self, f"{kind}s")
        return found


@dataclass(frozen=True, slots=True)
class Bringers:
    """Who brings what: participants by name, or by the pair of names of a lane or demand."""

    mine: Mapping[str, str]
    centre: Mapping[str, str]
    user: Mapping[str, str]
    mill_lane: Mapping[tuple[str, str], str]
    user_lane: Mapping[tuple[str, str], str]
    demand: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class Whole:
    """The parts put together. `left_out` counts the rows of each participant that name what nobody brings now."""

    instance: SupplyChainInstance
    bringers: Bringers
    left_out: Mapping[str, int]


class PartsError(Exception):
    """The parts make no instance: `problems` are each participant's own, with pointers into its part.

    Where there are none it is nobody's alone, and the words say what it is, without a figure.
    """

    def __init__(self, words: str, problems: Problems | None = None) -> None:
        self.problems = problems or {}
        super().__init__(words)


# What may be asked for ------------------------------------------------------------------------------------------------


def check_frame(frame: Document, seats: Sequence[Seat]) -> None:
    """InstanceError with pointers below `/frame` and `/seats`; the options are not looked at here."""
    strange = [key for key in frame if key not in FRAME]
    problems = [
        Problem("/frame", f"has {str(key)[:40]!r}, which no frame has: give {', '.join(FRAME)}") for key in strange
    ]
    _raise_if([*problems, *_set_problems(frame.get("uncertainty")), *_seat_problems(seats)])
    try:
        read_request(_completed(frame, seats, None, {}), {}, time_limit_s=math.inf)
    except InstanceError as error:
        places = _seat_places(seats)
        raise InstanceError([Problem(_in_frame(p.path, places), p.message) for p in error.problems]) from error


def _set_problems(given: object) -> Iterator[Problem]:
    """What a frame may not say of its uncertainty, beyond the schema of an instance."""
    if not isinstance(given, Mapping):
        yield Problem("/frame/uncertainty", f"must be an object with a kind: {', '.join(KINDS)}")
    elif given.get("kind") not in KINDS:
        yield Problem("/frame/uncertainty/kind", f"must be one of {', '.join(KINDS)}, which name nobody's grades")
    elif given["kind"] == "budget" and not _is_budget(given.get("Gamma")):
        words = "must be one number, 0 or more, for every mine; a participant may bring its own with its part"
        yield Problem("/frame/uncertainty/Gamma", words)


def _seat_problems(seats: Sequence[Seat]) -> Iterator[Problem]:
    names = [(path, name) for path, name in _named(seats)]
    first: dict[str, str] = {}
    for path, name in names:
        if first.setdefault(name, path) != path:
            yield Problem(path, f"repeats {name!r} of {first[name]}: a name is unique over the plan")
    for k, seat in enumerate(seats):
        if not any(seat.names(kind) for kind in OBJECTS):
            yield Problem(f"/seats/{k}", "names nothing: say which mines, centres or users it brings")
    if len(names) > MOST_NAMES:
        yield Problem("/seats", f"hold {len(names)} names: at most {MOST_NAMES}")
    for kind in OBJECTS:
        if not any(seat.names(kind) for seat in seats):
            yield Problem("/seats", f"name no {kind}: a plan needs at least one")


def _named(seats: Sequence[Seat]) -> Iterator[tuple[str, str]]:
    for k, seat in enumerate(seats):
        for kind in OBJECTS:
            for i, name in enumerate(seat.names(kind)):
                yield f"/seats/{k}/{kind}s/{i}", name


def _seat_places(seats: Sequence[Seat]) -> dict[str, str]:
    """The place in the document of a name's stand-in → that of the name in its seat."""
    places: dict[str, str] = {}
    for kind in OBJECTS:
        found = [f"/seats/{k}/{kind}s/{i}" for k, seat in enumerate(seats) for i in range(len(seat.names(kind)))]
        places |= {f"/{kind}s/{index}": place for index, place in enumerate(found)}
    return places


def _in_frame(path: str, places: Mapping[str, str]) -> str:
    inner = path.removeprefix("/instance")
    return places.get("/".join(inner.split("/")[:3]), f"/frame{inner}")


def _is_budget(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_BUDGET


# What a participant may bring -----------------------------------------------------------------------------------------


def check_part(frame: Document, seats: Sequence[Seat], seat: Seat, part: object) -> None:
    """InstanceError with pointers into the part, if it is not a whole and sound part for its seat."""
    if not isinstance(part, Mapping):
        raise InstanceError([Problem("", f"must be an object with {', '.join(SECTIONS)} and budget")])
    _raise_if([*_shape_problems(part)])
    _raise_if([*_object_problems(seat, part), *_link_problems(seats, seat, part), *_budget_problems(frame, part)])
    try:
        read_request(_completed(frame, seats, seat, part), {}, time_limit_s=math.inf)
    except InstanceError as error:
        raise InstanceError([Problem(_in_part(p.path), p.message) for p in error.problems]) from error


def _shape_problems(part: Document) -> Iterator[Problem]:
    for key in part:
        if key not in (*SECTIONS, "budget"):
            yield Problem("", f"has {str(key)[:40]!r}, which no part has: bring {', '.join(SECTIONS)} and budget")
    for key in SECTIONS:
        if not isinstance(part.get(key, []), list) or not all(isinstance(row, Mapping) for row in part.get(key, [])):
            yield Problem(f"/{key}", "must be a list of objects")
    if not isinstance(part.get("budget", {}), Mapping):
        yield Problem("/budget", "must be an object with a number for each mine that it names")


def _object_problems(seat: Seat, part: Document) -> Iterator[Problem]:
    """Every mine and centre of the seat, each once, and no other."""
    for kind in ("mine", "centre"):
        missing = dict.fromkeys(seat.names(kind))
        for k, row in enumerate(part.get(f"{kind}s", [])):
            name = row.get("name")
            if not isinstance(name, str) or name not in seat.names(kind):
                yield Problem(f"/{kind}s/{k}/name", f"is no {kind} of your seat: bring your own only")
            elif name not in missing:
                yield Problem(f"/{kind}s/{k}/name", "is brought twice: bring it once")
            else:
                del missing[name]
        for name in missing:
            yield Problem(f"/{kind}s", f"lacks {name!r}: bring every {kind} of your seat")


def _link_problems(seats: Sequence[Seat], seat: Seat, part: Document) -> Iterator[Problem]:
    """Both ends are names of the plan, and one of them is the participant's own."""
    known, own = _names_of(seats), _names_of([seat])
    for section, ends in LINKS.items():
        for k, row in enumerate(part.get(section, [])):
            strange = [end for end in ends if not isinstance(row.get(end), str) or row[end] not in known[end]]
            for end in strange:
                yield Problem(f"/{section}/{k}/{end}", f"is no {end} of this plan: use the names of its seats")
            if not strange and not any(row[end] in own[end] for end in ends):
                words = f"has neither its {ends[0]} nor its {ends[1]} at your seat: bring what starts or ends there"
                yield Problem(f"/{section}/{k}", words)


def _names_of(seats: Sequence[Seat]) -> dict[str, set[str]]:
    return {kind: {name for seat in seats for name in seat.names(kind)} for kind in OBJECTS}


def _budget_problems(frame: Document, part: Document) -> Iterator[Problem]:
    budget = part.get("budget", {})
    if budget and frame["uncertainty"]["kind"] != "budget":
        yield Problem("/budget", "means nothing here: the plan's uncertainty is not a budget; leave it out")
    locations = {row["name"]: row.get("locations") for row in part.get("mines", []) if isinstance(row.get("name"), str)}
    for name, value in budget.items():
        found = locations.get(name)
        most = len(found) if isinstance(found, list) else 0
        if name not in locations:
            yield Problem("/budget", f"names {str(name)[:40]!r}, which is no mine of your part")
        elif not _is_budget(value) or value > most:
            yield Problem(f"/budget/{_escaped(name)}", f"must be a number from 0 to {most}, the mine's locations")


def _in_part(path: str) -> str:
    """Where in the part, for a place in the part completed; what the frame says is nobody's row."""
    inner = path.removeprefix("/instance")
    return inner if inner.split("/")[1:2] and inner.split("/")[1] in SECTIONS else ""


def _completed(frame: Document, seats: Sequence[Seat], seat: Seat | None, part: Document) -> dict[str, Any]:
    """The part as a whole instance: its own rows first, then the least that stands in for everybody else's."""
    others = [each for each in seats if each != seat]
    names = {kind: [name for each in seats for name in each.names(kind)] for kind in OBJECTS}
    between = next(name for name in ("-" * n for n in count(1)) if name not in names["centre"])
    demands = part.get("demands") or [{"mine": names["mine"][0], "user": names["user"][0], "D": 0}]
    mines = [*part.get("mines", []), *(_mine_standing_in(name) for each in others for name in each.mines)]
    centres = [{"name": name, "V": ROOMY} for each in others for name in each.centres]
    return {
        **_head(frame, mines, part.get("budget", {})),
        "mines": mines,
        "centres": [*part.get("centres", []), *centres, {"name": between, "V": ROOMY}],
        "users": names["user"],
        "mill_lanes": [
            *part.get("mill_lanes", []),
            *({"mine": m, "centre": between, "f": 0, "g": 0, "F": 0, "R": 0} for m in _distinct(demands, "mine")),
        ],
        "user_lanes": [
            *part.get("user_lanes", []),
            *({"centre": between, "user": s, "e": 0, "G": 0} for s in _distinct(demands, "user")),
        ],
        "demands": demands,
    }


def _head(frame: Document, mines: Sequence[Document], budget: Document) -> dict[str, Any]:
    held = dict(frame["uncertainty"])
    if held["kind"] == "budget":
        held["Gamma"] = [_budget_of(mine, budget.get(mine["name"], held["Gamma"])) for mine in mines]
    return {"format": FORMAT, "name": "joint", "periods": frame.get("periods"), "uncertainty": held}


def _budget_of(mine: Document, wanted: float) -> float:
    """No more than the mine has locations, so that a refusal never counts those of another."""
    found = mine.get("locations")
    return min(wanted, float(len(found))) if isinstance(found, list) and found else 0.0


def _mine_standing_in(name: str) -> dict[str, Any]:
    cutoff = {"name": "-", "c": 0, "K": 0, "a": 1, "xmax": 0, "gamma": 1}
    nothing = {"pc": 0, "h": 0, "alpha": 0, "beta": 1, "P": 0, "Q": 0, "Umax": 0}
    return {"name": name, **nothing, "locations": [{"name": "-", "cutoffs": [cutoff]}]}


def _distinct(rows: Iterable[Document], key: str) -> list[Any]:
    return list(dict.fromkeys(row[key] for row in rows))


# The parts as one -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Gathered:
    """Rows of the whole, and where each came from: `source` has section and position → participant and its position."""

    rows: dict[str, list[Document]] = field(default_factory=lambda: {section: [] for section in SECTIONS})
    source: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    budget: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def assemble(frame: Document, brought: Sequence[tuple[Seat, Document]]) -> Whole:
    """One instance of checked parts; rows that name what nobody brings now are left out. PartsError, in pieces."""
    gathered = _gathered(brought)
    if repeated := _repeated(gathered):
        raise PartsError("two parts bring the same", repeated)
    if empty := [section for section, rows in gathered.rows.items() if not rows]:
        raise PartsError(f"nobody brings any {empty[0].replace('_', ' ')}")
    document = {
        **_head(frame, gathered.rows["mines"], gathered.budget),
        **gathered.rows,
        "users": [name for seat, _ in brought for name in seat.users],
    }
    try:
        instance = read_request(document, {}, time_limit_s=math.inf)[0]
    except InstanceError as error:
        words = "together they are more than one plan may hold"
        raise PartsError(words, _by_participant(gathered, error.problems)) from error
    return Whole(instance, _bringers(brought, gathered), dict(gathered.left_out))


def _gathered(brought: Sequence[tuple[Seat, Document]]) -> _Gathered:
    gathered = _Gathered()
    known = _names_of([seat for seat, _ in brought])
    for seat, part in brought:
        gathered.budget |= part.get("budget", {})
        for section in SECTIONS:
            for k, row in enumerate(part.get(section, [])):
                if all(row[end] in known[end] for end in LINKS.get(section, ())):
                    gathered.source[section, len(gathered.rows[section])] = (seat.participant, k)
                    gathered.rows[section].append(row)
                else:
                    gathered.left_out[seat.participant] += 1
    return gathered


def _repeated(gathered: _Gathered) -> dict[str, list[Problem]]:
    """What two participants bring alike is told to both: one of them must leave it to the other."""
    found: dict[str, list[Problem]] = defaultdict(list)
    for section, ends in LINKS.items():
        places: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for k, row in enumerate(gathered.rows[section]):
            places[tuple(row[end] for end in ends)].append(k)
        for rows in places.values():
            for k in rows if len(rows) > 1 else ():
                who, position = gathered.source[section, k]
                words = "is brought by the other end too: agree on who brings and pays it, and leave it to one"
                found[who].append(Problem(f"/{section}/{position}", words))
    return found


def _by_participant(gathered: _Gathered, problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """In words of our own: what is wrong with the whole may name, and count, what others bring."""
    found: dict[str, list[Problem]] = defaultdict(list)
    for section, k, inner in _concerned(gathered, problems):
        who, position = gathered.source[section, k]
        found[who].append(Problem(f"/{section}/{position}{inner}", UNFIT.get(section, UNFIT_ROW)))
    return found


def _concerned(gathered: _Gathered, problems: Iterable[Problem]) -> Iterator[tuple[str, int, str]]:
    """Section, position and place inside of each row that a problem is about."""
    for problem in problems:
        section, _, rest = problem.path.removeprefix("/instance/").partition("/")
        position, slash, inner = rest.partition("/")
        if not position.isdigit() or (section, int(position)) not in gathered.source:
            continue
        yield section, int(position), slash + inner
        if section == "centres":
            centre = gathered.rows["centres"][int(position)]["name"]
            for k, lane in enumerate(gathered.rows["mill_lanes"]):
                if lane["centre"] == centre and lane.get("w_end"):
                    yield "mill_lanes", k, "/w_end"


def _bringers(brought: Sequence[tuple[Seat, Document]], gathered: _Gathered) -> Bringers:
    def of(kind: str) -> dict[str, str]:
        return {name: seat.participant for seat, _ in brought for name in seat.names(kind)}

    def between(section: str) -> dict[tuple[str, str], str]:
        first, second = LINKS[section]
        rows = enumerate(gathered.rows[section])
        return {(row[first], row[second]): gathered.source[section, k][0] for k, row in rows}

    links = (between("mill_lanes"), between("user_lanes"), between("demands"))
    return Bringers(of("mine"), of("centre"), of("user"), *links)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _raise_if(problems: Sequence[Problem]) -> None:
    if problems:
        raise InstanceError(problems[:MAX_PROBLEMS])
