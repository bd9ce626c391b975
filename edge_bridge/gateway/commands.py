"""Commands at the edge: the id is journalled before anything is done, and done at most once.

    delivered ─▶ (fences, expiry, interlock) ─▶ acting ─▶ done | failed, by the terminal's word
                       └▶ refused | expired       └▶ unknown: no word in time; what is read back is said

A command waits as delivered until its terminal is there or its time is over. That the gateway is about to send it is
committed before it is sent, and it is never sent twice: after a crash in between it becomes unknown.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from edge_bridge.gateway.admission import Reach
from edge_bridge.gateway.filters import Point
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.notes import Stage
from edge_bridge.protocol import (
    Alarm,
    Command,
    CommandState,
    CommandStep,
    Lane,
    Reading,
    TerminalCommand,
    TerminalCommandResult,
    decode,
    encode,
)

log = logging.getLogger(__name__)

KEPT_DAYS = 30
CLOUD_WENT_BACK = CommandState.REFUSED, "The cloud was restored from a backup while it waited; ask anew."

Newest = Callable[[Point], tuple[Reading, datetime] | None]


@dataclass(frozen=True, slots=True)
class Interlock:
    """While an alarm of `alarm_types` stands on any of `alarm_equipment`, commands to `refuses` are refused."""

    name: str
    alarm_types: frozenset[str]
    alarm_equipment: frozenset[str]
    refuses: frozenset[str]

    def holds(self, equipment: str, standing: Collection[Alarm]) -> Alarm | None:
        """The alarm that forbids a command to `equipment`."""
        if equipment not in self.refuses:
            return None
        locking = (a for a in standing if a.alarm_type in self.alarm_types and a.equipment in self.alarm_equipment)
        return next(locking, None)


class CommandDesk:
    """Used in the journal's thread. Each call commits what it did before it returns."""

    def __init__(
        self, journal: Journal, interlocks: Sequence[Interlock], newest: Newest, answer_s: float, now: datetime
    ) -> None:
        self._journal = journal
        self._interlocks = interlocks
        self._newest = newest
        self._answer_s = timedelta(seconds=answer_s)
        with journal.transaction():
            journal.notes.forget_commands(Stage.OVER, now - timedelta(days=KEPT_DAYS))

    def receive(self, commands: Sequence[Command], now: datetime) -> bool:
        """Journals those that are new; whether there were any."""
        fresh = {command.id: command for command in commands if not self._journal.notes.knows_command(command.id)}
        with self._journal.transaction():
            for command in fresh.values():
                self._journal.notes.keep_command(command.id, encode(_by_own_clock(command, now)), Stage.WAITING, now)
                self._say(command.id, CommandState.DELIVERED, "", now)
        return bool(fresh)

    def clock_was_put(self, by: timedelta) -> None:
        """Put back, it gives no command more time; put forward, it may end one too early, which is safe."""
        if by > timedelta(0):
            return
        with self._journal.transaction():
            for stage in (Stage.WAITING, Stage.ACTING):
                for command, at in self._of_stage(stage):
                    sooner = replace(command, not_after=command.not_after + by)
                    self._journal.notes.change_command(command.id, encode(sooner), at + by)

    def review(self, now: datetime) -> bool:
        """Says of those that wait which are refused or expired; whether there were any."""
        waiting = self._of_stage(Stage.WAITING)
        standing = self._journal.standing_alarms() if waiting else []
        judged = [(command.id, self._verdict(command, standing, now)) for command, _ in waiting]
        over = [(id_, verdict) for id_, verdict in judged if verdict]
        over += [(command.id, CLOUD_WENT_BACK) for command, _ in self._of_stage(Stage.FORGOTTEN)]
        if over:
            with self._journal.transaction():
                for id_, verdict in over:
                    self._end(id_, *verdict, now)
        return bool(over)

    def due(self, reachable: Collection[Reach], now: datetime) -> list[TerminalCommand]:
        """Those of the reviewed that are to be sent to their terminals now."""
        waiting = [command for command, _ in self._of_stage(Stage.WAITING)]
        due = [one for one in waiting if one.equipment in reachable or (one.equipment, one.tag) in reachable]
        if due:
            with self._journal.transaction():
                for command in due:
                    self._journal.notes.move_command(command.id, Stage.ACTING, now)
        return [TerminalCommand(command.id, command.equipment, command.tag, command.value) for command in due]

    def point_of(self, id_: UUID) -> Point | None:
        """What a command is to set; None for one that is not known."""
        body = self._journal.notes.command_body(id_)
        command = decode(body) if body else None
        return (command.equipment, command.tag) if isinstance(command, Command) else None

    def settle(self, result: TerminalCommandResult, now: datetime) -> None:
        """The terminal's word; also when it comes late."""
        stage = self._journal.notes.command_stage(result.id)
        if stage not in (Stage.ACTING, Stage.UNKNOWN):
            log.warning("a result for command %s, which waits for none", result.id)
            return
        state = CommandState.DONE if result.ok else CommandState.FAILED
        with self._journal.transaction():
            self._end(result.id, state, result.detail, now, result.value)

    def give_up(self, now: datetime) -> bool:
        """Says of those whose terminal kept silent what can be read back; whether there were any."""
        late = [(command, at) for command, at in self._of_stage(Stage.ACTING) if now - at > self._answer_s]
        if late:
            with self._journal.transaction():
                for command, at in late:
                    self._give_up(command, at, now)
        return bool(late)

    def _give_up(self, command: Command, sent_at: datetime, now: datetime) -> None:
        newest = self._newest((command.equipment, command.tag))
        is_since = newest is not None and min(newest[0].measured_at, newest[1]) > sent_at
        value = newest[0].value if newest and is_since else None
        self._journal.notes.move_command(command.id, Stage.UNKNOWN, now)
        self._say(command.id, CommandState.UNKNOWN, "The terminal gave no result.", now, value)

    def _verdict(self, command: Command, standing: Collection[Alarm], now: datetime) -> tuple[CommandState, str] | None:
        if command.boot != self._journal.boot:
            return CommandState.REFUSED, "It was made for another boot epoch of this gateway."
        if now > command.not_after:
            return CommandState.EXPIRED, "Its time was over before its terminal could be reached."
        for interlock in self._interlocks:
            if alarm := interlock.holds(command.equipment, standing):
                return CommandState.REFUSED, f"{interlock.name}: {alarm.alarm_type} stands on {alarm.equipment}."
        return None

    def _end(self, id_: UUID, state: CommandState, detail: str, now: datetime, value: float | None = None) -> None:
        self._journal.notes.move_command(id_, Stage.OVER, now)
        self._say(id_, state, detail, now, value)

    def _say(self, id_: UUID, state: CommandState, detail: str, now: datetime, value: float | None = None) -> None:
        self._journal.append(Lane.P0, [CommandStep(id_, state, detail, now, value)])

    def _of_stage(self, stage: Stage) -> list[tuple[Command, datetime]]:
        read = [(decode(body), at) for body, at in self._journal.notes.commands(stage)]
        return [(command, at) for command, at in read if isinstance(command, Command)]


def _by_own_clock(command: Command, now: datetime) -> Command:
    """No later than the cloud means, though the clock here be slow; one that is fast lets it expire too early."""
    left = max(command.not_after - command.sent_at, timedelta(0))
    return command if command.not_after - now <= left else replace(command, not_after=now + left)
