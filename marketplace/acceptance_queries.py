"""What the owner's stored readings say of a task's rule of acceptance."""

from datetime import datetime, timedelta
from typing import Any

from edge_bridge.api import held_spans, series_of
from edge_bridge.readings.spans import HeldSpan
from marketplace.acceptance import AcceptanceRule, Standing, evaluate, standing
from marketplace.models import ServiceTask
from tenants.api import on_behalf_of
from tenants.data import FieldError, Invalid
from tenants.models import Equipment


def evidence_for(task: ServiceTask, until: datetime) -> dict[str, Any] | None:
    """As JSON that the ledger takes, for the last hours before `until`; None where the task has no rule.

    Read in the owner's name, whoever asks: both parties get the same figures, and no reading. Without such a tag
    nothing is covered, which is no pass.
    """
    if task.acceptance is None:
        return None
    rule = AcceptanceRule.from_document(task.acceptance)
    series, spans = _told(task, rule, until)
    unit = "" if series is None else series.unit
    of = {"words": rule.words(unit), "unit": unit, "series": series and str(series.pk)}
    return of | evaluate(rule, spans, until).to_document()


def standing_of(task: ServiceTask, until: datetime) -> Standing | None:
    """How the rule stands at `until`, read in the owner's name as evidence is; None where the task has no rule."""
    if task.acceptance is None:
        return None
    rule = AcceptanceRule.from_document(task.acceptance)
    series, spans = _told(task, rule, until)
    return standing(rule, spans, until, "" if series is None else series.unit)


def _told(task: ServiceTask, rule: AcceptanceRule, until: datetime) -> tuple[Any, list[HeldSpan]]:
    """The tag, None if there is none, and what it said in the rule's time."""
    with on_behalf_of(task.tenant_id):
        series = _series(task, rule)
        since = until - timedelta(hours=rule.for_h)
        return series, [] if series is None else held_spans(series, since=since, until=until)


def rule_words(task: ServiceTask) -> str:
    """The rule of an own task, with its unit and without its machine; empty where it has none."""
    if task.acceptance is None:
        return ""
    rule = AcceptanceRule.from_document(task.acceptance)
    series = _series(task, rule)
    return f"{rule.words(series.unit if series else '')}, {100 * rule.coverage_frac:.0f} % of the time with readings"


def refuse_hopeless(task: ServiceTask) -> None:
    """Invalid for a rule that no reading can ever keep; asked at the publication, since it is frozen then.

    A machine that has no tags yet may get them with the work; one that has others is meant with another name.
    """
    if task.acceptance is None:
        return
    rule = AcceptanceRule.from_document(task.acceptance)
    machine = Equipment.objects.filter(pk=rule.equipment or task.equipment_id).first()
    if machine is None or machine.tenant_id != task.tenant_id:
        raise _hopeless("equipment", "name a machine of yours; the task itself is about none")
    tags = sorted({row.tag for row in series_of(machine)})
    if tags and rule.tag not in tags:
        raise _hopeless("tag", f"{machine.code} has {', '.join(tags[:20])}")


def _hopeless(field: str, words: str) -> Invalid:
    return Invalid("The rule of acceptance can never be kept.", (FieldError(f"/acceptance/{field}", words),))


def _series(task: ServiceTask, rule: AcceptanceRule) -> Any:
    """The tag of the machine where it stands now."""
    machine = Equipment.objects.filter(pk=rule.equipment or task.equipment_id).first()
    return machine and series_of(machine).filter(tag=rule.tag, site=machine.site_id).first()
