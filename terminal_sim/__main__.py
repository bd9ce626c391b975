"""Simulated mine terminals: run a scenario, print it, tell its truth, or replay a recorded series."""

import argparse
import asyncio
import csv
import json
import logging
import math
import os
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from edge_bridge.protocol import ProtocolError, encode
from terminal_sim.line import Gateway, Tally
from terminal_sim.mqtt import MqttGateway
from terminal_sim.replay import ReplayError, Series, read_series, replay, shifted_to
from terminal_sim.rule_file import RuleFile, read_rules
from terminal_sim.run import TERMINALS_A_LINE, Player, Playing
from terminal_sim.scenario import Scenario, ScenarioError, scaled
from terminal_sim.simulation import scenario_frames
from terminal_sim.toml import LARGEST_FLEET, load_scenario
from terminal_sim.truth import truth
from terminal_sim.websocket import WebSocketGateway


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        given.command(given)
    except (ScenarioError, ReplayError, ProtocolError) as error:
        print(f"terminal_sim: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, BrokenPipeError):
        return 130
    return 0


def _run(given: argparse.Namespace) -> None:
    scenario = _scenario(given)
    rounds = 1 if given.once else None
    playing = Playing(given.speed or scenario.speed, rounds, given.scenario_times, given.share)
    player = Player(scenario, [_gateway(url) for url in given.gateway], playing)
    _report(asyncio.run(player.run()))


def _print(given: argparse.Namespace) -> None:
    for frame in scenario_frames(_scenario(given)):
        sys.stdout.buffer.write(encode(frame) + b"\n")
    sys.stdout.buffer.flush()


def _labels(given: argparse.Namespace) -> None:
    scenario = _scenario(given)
    writer = csv.writer(sys.stdout)
    writer.writerow(["label", "kind", "equipment", "tag", "from_at", "to_at"])
    for fault in scenario.faults:
        from_at = scenario.start_at + timedelta(seconds=fault.start_s)
        to_at = from_at + timedelta(seconds=fault.duration_s)
        writer.writerow([fault.label, fault.kind, fault.equipment, fault.tag, from_at.isoformat(), to_at.isoformat()])


def _truth(given: argparse.Namespace) -> None:
    scenario = _scenario(given)
    rules = read_rules(given.rules) if given.rules else RuleFile()
    for row in truth(scenario, rules, given.speed):
        print(json.dumps(row))


def _replay(given: argparse.Namespace) -> None:
    series = Series(given.file, given.equipment, given.tag, given.unit, given.time_column, given.value_column)
    readings = read_series(series)
    if given.shift_to_now:
        readings = shifted_to(readings, datetime.now(UTC))
    done = replay(series, readings, _gateway(given.gateway), rate_per_s=given.rate, stamps_now=given.stamp_now)
    _report(asyncio.run(done))


def _scenario(given: argparse.Namespace) -> Scenario:
    scenario = load_scenario(given.scenario)
    return scaled(scenario, given.terminals) if given.terminals else scenario


def _gateway(url: str) -> Gateway:
    token, tokens = os.environ.get("TERMINAL_TOKEN", ""), _tokens(os.environ.get("TERMINAL_TOKENS", ""))
    return (MqttGateway if url.startswith("mqtt") else WebSocketGateway)(url, token, tokens)


def _tokens(path: str) -> dict[str, str]:
    """Of a TOML file with lines `name = "token"`; none without a path."""
    try:
        read = tomllib.loads(Path(path).read_text()) if path else {}
    except (OSError, ValueError) as error:
        raise ScenarioError(f"TERMINAL_TOKENS: {path}: {error}") from None
    if not all(isinstance(token, str) for token in read.values()):
        raise ScenarioError(f'TERMINAL_TOKENS: {path}: must have lines such as "heading T0 gas" = "<token>"')
    return read


def _report(tally: Tally) -> None:
    print(f"frames taken: {tally.taken}, refused: {tally.refused}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m terminal_sim", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    playing = commands.add_parser("run", help="play a scenario to a gateway, again and again")
    _add_scenario(playing)
    playing.add_argument(
        "--gateway", type=_gateway_url, required=True, action="append", help="such as ws://127.0.0.1:4000"
    )
    playing.add_argument("--share", type=_count, default=TERMINALS_A_LINE, help="terminals on one connection")
    playing.add_argument("--speed", type=_positive, help="simulated seconds a second; else the scenario's own")
    playing.add_argument("--once", action="store_true", help="stop at the scenario's end")
    playing.add_argument(
        "--scenario-times", action="store_true", help="stamp with the scenario's times, not the moment"
    )
    playing.set_defaults(command=_run)

    printing = commands.add_parser("print", help="write the scenario's frames to stdout, one a line; no network")
    _add_scenario(printing)
    printing.set_defaults(command=_print)

    labelling = commands.add_parser("labels", help="write the scenario's faults as CSV: the truth to judge against")
    _add_scenario(labelling)
    labelling.set_defaults(command=_labels)

    telling = commands.add_parser("truth", help="write faults and the alarms that must follow, as JSON lines")
    _add_scenario(telling)
    telling.add_argument("--rules", type=Path, help="the gateway's rule file; without it only faults are told")
    telling.add_argument("--speed", type=_positive, default=1.0, help="of the run whose stamps are foreseen")
    telling.set_defaults(command=_truth)

    replaying = commands.add_parser("replay", help="play a CSV series to a gateway as one tag")
    replaying.add_argument("file", type=Path)
    replaying.add_argument("--equipment", required=True)
    replaying.add_argument("--tag", required=True)
    replaying.add_argument("--unit", default="1", help="UCUM code, such as Cel")
    replaying.add_argument("--time-column", default="timestamp")
    replaying.add_argument("--value-column", default="value")
    replaying.add_argument("--gateway", type=_gateway_url, required=True)
    replaying.add_argument("--rate", type=_positive, default=100.0, help="readings a second")
    stamps = replaying.add_mutually_exclusive_group()
    stamps.add_argument("--shift-to-now", action="store_true", help="keep the intervals, end the series now")
    stamps.add_argument("--stamp-now", action="store_true", help="stamp each reading when it is sent")
    replaying.set_defaults(command=_replay)
    return parser


def _add_scenario(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--terminals", type=_count, help="as many, of the scenario and of copies of its mine")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= LARGEST_FLEET:
        raise argparse.ArgumentTypeError(f"must be from 1 to {LARGEST_FLEET}")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError("must be a positive number")
    return number


def _gateway_url(text: str) -> str:
    address = urlsplit(text)
    if address.scheme in ("ws", "wss") and address.hostname:
        return text
    if address.scheme in ("mqtt", "mqtts") and address.hostname and address.path.strip("/"):
        return text
    raise argparse.ArgumentTypeError("must be such as ws://host:4000 or mqtt://host:1883/<name of the gateway>")


if __name__ == "__main__":
    sys.exit(main())
