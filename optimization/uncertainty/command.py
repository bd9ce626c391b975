"""`python -m optimization fit`: arguments, and what they ask for. See docs/how-to/fit-an-uncertainty-set.md."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from optimization.data import InstanceError, Problem
from optimization.documents import document_from_file
from optimization.uncertainty.drift import Drift, retest
from optimization.uncertainty.estimation import COVERS, METHODS, FitOptions, FittedSet, fit
from optimization.uncertainty.report import from_document, in_words, to_document
from optimization.uncertainty.samples import Columns, Sample, at_cutoffs, read_samples

STANDS, DRIFTED = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", type=Path, help="CSV with a header; columns location, cutoff, value, time, source")
    for column in fields(Columns):
        parser.add_argument(f"--{column.name}-column", default=column.default, metavar="NAME")
    parser.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE", help="only these rows")
    parser.add_argument("--percent", action="store_true", help="values, cut-offs and --mean0 are percent")
    parser.add_argument("--cutoffs", type=float, nargs="+", default=[], help="cut-off options to sort samples by")
    parser.add_argument("--method", choices=METHODS, default="t")
    parser.add_argument("--covers", choices=COVERS, default="realisation")
    parser.add_argument("--level", type=float, default=0.95, help="of the interval, a fraction (default 0.95)")
    parser.add_argument("--violation", type=float, help="probability of a miss: makes a budget instead of a box")
    parser.add_argument("--mean0", type=float, help="grade to test the mean against")
    parser.add_argument("--held-out", type=float, default=0.25, help="share kept back (default 0.25)")
    parser.add_argument("--unwanted", action="store_true", help="a contaminant: its grade is feared to rise")
    parser.add_argument("--element", default="", help="its name in the instance; that of alpha when left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replaces", type=Path, metavar="SET", help="set that the new one is the next version of")
    parser.add_argument("--retest", type=Path, metavar="SET", help="test this set with the samples, fit nothing")
    parser.add_argument("--output", type=Path, help="file for the set or the verdict (default: stdout)")


def answer(arguments: argparse.Namespace) -> tuple[dict[str, Any], tuple[str, ...], int]:
    """The document, its words, and the exit code: DRIFTED when a re-tested set no longer fits."""
    scale = 100.0 if arguments.percent else 1.0
    options = FitOptions(
        method=arguments.method,
        covers=arguments.covers,
        level=arguments.level,
        violation=arguments.violation,
        mean0_frac=None if arguments.mean0 is None else arguments.mean0 / scale,
        held_out=arguments.held_out,
        is_unwanted=arguments.unwanted,
        element=arguments.element,
        seed=arguments.seed,
    )
    samples = _samples(arguments, scale)
    if arguments.retest:
        verdict = retest(_read_set(arguments.retest), samples)
        return verdict.to_document(), verdict.words, DRIFTED if verdict.drift is Drift.REFIT else STANDS
    replaced = _read_set(arguments.replaces) if arguments.replaces else None
    fitted = fit(samples, options, replaces=replaced)
    return to_document(fitted), in_words(fitted), STANDS


def _samples(arguments: argparse.Namespace, scale: float) -> tuple[Sample, ...]:
    columns = Columns(*(getattr(arguments, f"{column.name}_column") for column in fields(Columns)))
    pairs = [text.partition("=") for text in arguments.where]
    wrong = [text for text in arguments.where if "=" not in text]
    if wrong:
        raise InstanceError([Problem("--where", f"is {text!r}: give COLUMN=VALUE") for text in wrong])
    text = arguments.samples.read_text(encoding="utf-8-sig")
    where = {column: value for column, _, value in pairs}
    samples = read_samples(text, columns, in_percent=arguments.percent, where=where)
    return at_cutoffs(samples, [cutoff / scale for cutoff in arguments.cutoffs]) if arguments.cutoffs else samples


def _read_set(path: Path) -> FittedSet:
    return from_document(document_from_file(path))
