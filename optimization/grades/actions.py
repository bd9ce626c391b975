"""The writes of grade samples and sets. Batches, sets and re-tests are added, never changed.

All of them take turns within an organisation: samples that arrive while a set is fitted are either in the set or held
against it, and two fits of one name make two versions.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connections

from optimization.actions import told_as_invalid
from optimization.grades import queries
from optimization.models import GradeRetest, GradeSet, SampleBatch
from optimization.uncertainty.drift import Drift
from optimization.uncertainty.mines import (
    FitSettings,
    MineSet,
    evidence_document,
    fit_mines,
    retest_mines,
    set_document,
    sets_of,
)
from optimization.uncertainty.samples import Sample, row_of, samples_sha256
from tenants.api import announce, opened, require
from tenants.data import Actor, Event, FieldError, Invalid

# A fit of so many samples by bootstrap takes about a second and 50 MB; a file of so many rows about as much as a body.
MAX_SAMPLES = 20_000
MAX_BATCHES = 1_000
WORDS_TOLD = 10
# How many re-tests back samples that were too few are looked for.
MOST_WAITING = 200


def add_samples(*, source: str, samples: Sequence[Sample], is_telemetry: bool = False) -> tuple[SampleBatch, bool]:
    """Keep a batch and hold the newest sets against it; a batch that is known already comes back with True."""
    who = require("manage_grades")
    if len(samples) > MAX_SAMPLES:
        words = f"has {len(samples):,} samples: at most {MAX_SAMPLES:,} at once; send it in parts"
        raise Invalid("The batch is too large.", (FieldError("/samples", words),))
    _take_turns(who)
    digest = samples_sha256(samples)
    known = queries.batches().filter(digest=digest).first()
    if known is not None:
        return known, True
    batch = SampleBatch.objects.create(
        tenant_id=who.tenant_id,
        source=source,
        samples=[row_of(sample) for sample in samples],
        n=len(samples),
        digest=digest,
        is_telemetry=is_telemetry,
        created_by_id=who.user_id,
    )
    batch.refresh_from_db(fields=["created_at"])
    _retest(batch, samples)
    return batch, False


def fit_set(*, name: str, settings: FitSettings, asked: dict[str, Any], batch_ids: Sequence[UUID] | None) -> GradeSet:
    """The next version of the named set, from the batches named or from all assays; Invalid with pointers.

    `asked` are the settings as they are kept.
    """
    who = require("manage_grades")
    _take_turns(who)
    chosen = _batches(batch_ids)
    samples = queries.samples_of(chosen)
    before = GradeSet.objects.filter(tenant=who.tenant_id, name=name).order_by("-version").first()
    version = before.version + 1 if before else 1
    with told_as_invalid("No set follows from these samples and settings."):
        held = fit_mines(samples, settings, version=version, before=sets_of(before.evidence) if before else ())
    made = GradeSet.objects.create(
        tenant_id=who.tenant_id,
        name=name,
        version=version,
        settings=asked,
        batch_ids=chosen,
        evidence=evidence_document(held) | {"samples_sha256": samples_sha256(samples), "n_samples": len(samples)},
        document=set_document(held),
        created_by_id=who.user_id,
    )
    made.refresh_from_db(fields=["created_at"])
    return made


def _take_turns(who: Actor) -> None:
    with connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"grades of {who.tenant_id}"])


def _batches(batch_ids: Sequence[UUID] | None) -> list[UUID]:
    """Those named, each once, or all assays; Invalid for one that is absent, and for more samples than a fit takes."""
    known = queries.batches().order_by("pk")
    there = dict(known.values_list("pk", "n"))
    assays = known.filter(is_telemetry=False).values_list("pk", flat=True)
    chosen = list(assays) if batch_ids is None else list(dict.fromkeys(batch_ids))
    absent = [
        FieldError(f"/batches/{k}", "is none of GET grade-samples") for k, i in enumerate(chosen) if i not in there
    ]
    if absent:
        raise Invalid("A batch is not there.", tuple(absent))
    n = sum(there[batch_id] for batch_id in chosen)
    if n > MAX_SAMPLES:
        words = f"hold {n:,} samples: at most {MAX_SAMPLES:,} are fitted at once; name the batches that count"
        raise Invalid("There are too many samples.", (FieldError("/batches", words),))
    return chosen


def _retest(batch: SampleBatch, samples: Sequence[Sample]) -> None:
    """Every newest set that has places of the batch; the others are not even read whole."""
    mines = {sample.mine for sample in samples}
    newest = queries.newest_sets().defer(None).defer("evidence").order_by("name")
    for grade_set in newest:
        if not mines.isdisjoint(part["mine"] for part in grade_set.document["sets"]):
            _hold_against(grade_set, sets_of(grade_set.evidence), batch, samples)


def _hold_against(
    grade_set: GradeSet, held: tuple[MineSet, ...], batch: SampleBatch, samples: Sequence[Sample]
) -> None:
    earlier = _undecided(grade_set, samples)
    report = retest_mines(held, [*samples, *earlier])
    if report is None:
        return
    is_holding = report["drift"] != Drift.REFIT
    GradeRetest.objects.create(
        tenant_id=batch.tenant_id, grade_set=grade_set, batch=batch, is_holding=is_holding, report=report
    )
    body = {
        "set": str(grade_set.pk),
        "name": grade_set.name,
        "version": grade_set.version,
        "batch": str(batch.pk),
        "is_holding": is_holding,
        "words": report["words"][:WORDS_TOLD],
    }
    announce(Event(kind="grades.held" if is_holding else "grades.drifted", body=body, permission="view_plans"))


def _undecided(grade_set: GradeSet, samples: Sequence[Sample]) -> list[Sample]:
    """Earlier samples of the same places that were too few to judge, so that assays that come one by one count too."""
    waiting: dict[tuple[str, ...], set[UUID]] = {}
    newest = queries.retests(grade_set=grade_set).values_list("batch_id", "report__parts")[:MOST_WAITING]
    for batch_id, parts in reversed(newest):
        for part in parts:
            for group in part["groups"]:
                place = (part["mine"], part["element"], group["location"], group["cutoff"])
                if group["drift"] == Drift.TOO_FEW:
                    waiting.setdefault(place, set()).add(batch_id)
                else:
                    waiting.pop(place, None)
    places = {_place(sample) for sample in samples} & waiting.keys()
    wanted = sorted({batch_id for place in places for batch_id in waiting[place]})
    return [
        sample
        for batch_id in wanted
        for sample in queries.samples_of([batch_id])
        if _place(sample) in places and batch_id in waiting[_place(sample)]
    ]


def _place(sample: Sample) -> tuple[str, ...]:
    return sample.mine, sample.element, sample.location, sample.cutoff
