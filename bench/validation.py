"""Validating an instance beside a peer in the same run: `python -m bench.validation --mines 30 100 250`.

The peer is the `jsonschema` package on the same schema, document and processor, asked for all errors; it does that one
step only. Ours is everything between the text and the instance: parsing, numbers, schema, rules across fields. CPU
seconds, the median of `--repeat` runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from jsonschema import Draft202012Validator

from optimization.documents import SCHEMA_PATH, document_from_json, plain_document, schema_problems
from optimization.generator import generate
from optimization.instance_builder import build_instance


def cpu_s(work: Callable[[], object], repeat: int) -> float:
    seconds = []
    for _ in range(repeat):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def line(n_mines: int, repeat: int) -> str:
    """A sparse instance of 8 centres, 40 users, 12 periods, 3 locations and 3 cut-offs a mine."""
    text = json.dumps(generate(n_mines, 8, 40, 12, 3, 3, 1, density=0.25).to_document(), separators=(",", ":"))
    document = document_from_json(text)
    plain, peer = plain_document(document), Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))
    assert not schema_problems(plain) and peer.is_valid(plain)
    parsing = cpu_s(lambda: document_from_json(text), repeat)
    ours = cpu_s(lambda: schema_problems(plain), repeat)
    building = cpu_s(lambda: build_instance(document), repeat)
    theirs = cpu_s(lambda: list(peer.iter_errors(plain)), 1)
    megabytes = len(text) / 1e6
    return (
        f"{n_mines:6}{megabytes:8.2f}{parsing:9.3f}{building:9.3f}{ours:9.3f}{theirs:12.3f}"
        f"{theirs / ours:9.1f}x{(parsing + building) / megabytes:13.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mines", type=int, nargs="+", default=[30, 100, 250])
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'mines':>6}{'MB':>8}{'parse':>9}{'build':>9}{'schema':>9}{'jsonschema':>12}{'ratio':>10}{'ours s/MB':>13}")
    for n_mines in arguments.mines:
        print(line(n_mines, arguments.repeat), flush=True)


if __name__ == "__main__":
    main()
