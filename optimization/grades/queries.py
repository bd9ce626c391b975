"""The reads of grade samples and sets, under the open identity. Large documents are fetched only when touched."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet

from optimization.models import GradeRetest, GradeSet, SampleBatch
from optimization.uncertainty.samples import Sample, samples_kept
from tenants.api import actor


def batches() -> QuerySet[SampleBatch]:
    return SampleBatch.objects.filter(tenant=actor().tenant_id).defer("samples")


def sets() -> QuerySet[GradeSet]:
    return GradeSet.objects.filter(tenant=actor().tenant_id).defer("evidence", "document")


def told_sets() -> QuerySet[GradeSet]:
    """With the `coverage` and `n_samples` of their evidence, which is not fetched."""
    return sets().annotate(coverage=F("evidence__coverage"), n_samples=F("evidence__n_samples"))


def newest_sets() -> QuerySet[GradeSet]:
    """The newest version of every name."""
    newer = GradeSet.objects.filter(name=OuterRef("name"), version__gt=OuterRef("version"))
    return sets().filter(~Exists(newer))


def fitted_places() -> frozenset[tuple[str, str, str]]:
    """Mine, location and cut-off of which the newest sets have the grade that alpha limits."""
    documents = newest_sets().values_list("document", flat=True)
    parts = [part for document in documents for part in document["sets"] if not part["element"]]
    return frozenset((part["mine"], row["location"], row["cutoff"]) for part in parts for row in part["grades"])


def retests(*, grade_set: GradeSet | None = None, batch: SampleBatch | None = None) -> QuerySet[GradeRetest]:
    """What new samples said of sets, newest first; of one set or one batch where it is given."""
    found = GradeRetest.objects.select_related("grade_set", "batch")
    found = found.defer("grade_set__evidence", "grade_set__document", "batch__samples").order_by("-pk")
    if grade_set is not None:
        found = found.filter(grade_set=grade_set)
    return found if batch is None else found.filter(batch=batch)


def samples_of(batch_ids: Iterable[UUID]) -> tuple[Sample, ...]:
    """All samples of the batches, in the order in which the batches came."""
    rows = batches().filter(pk__in=list(batch_ids)).order_by("pk").values_list("samples", flat=True)
    return tuple(sample for kept in rows for sample in samples_kept(kept))
