"""How one gets samples and sets: fetched and authorised in one step, or refused."""

from uuid import UUID

from optimization.actions import told_as_invalid
from optimization.grades import queries
from optimization.models import GradeSet, SampleBatch
from optimization.uncertainty.effective import put_into
from tenants.api import require
from tenants.data import FieldError, Invalid, NotFound


def get_batch(batch_id: UUID, *, needs: str = "view_plans") -> SampleBatch:
    require(needs)
    batch = queries.batches().filter(pk=batch_id).first()
    if batch is None:
        raise NotFound
    return batch


def get_set(grade_set_id: UUID, *, needs: str = "view_plans") -> GradeSet:
    require(needs)
    grade_set = queries.sets().filter(pk=grade_set_id).first()
    if grade_set is None:
        raise NotFound
    return grade_set


def newest_grade_set(name: str) -> GradeSet | None:
    """The version in force of the organisation's set of this name."""
    require("view_plans")
    return queries.newest_sets().filter(name=name).first()


def with_grades(instance: object, grade_set_id: UUID) -> tuple[object, GradeSet]:
    """The instance, not validated yet, with the set's grades in it, and the set; Invalid with pointers."""
    try:
        grade_set = get_set(grade_set_id)
    except NotFound as error:
        words = "There is no such grade set."
        raise Invalid(words, (FieldError("/grade_set", "name a set of GET grade-sets"),)) from error
    with told_as_invalid(f"The grade set {grade_set} does not fit the instance."):
        return put_into(grade_set.document, instance), grade_set
