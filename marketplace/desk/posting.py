"""What a new task is made of: its place, the evidence that is frozen, the columns of its terms, whom it invites."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from edge_bridge.api import alarm_snapshot, get_alarm, machine_snapshot
from marketplace.acceptance import AcceptanceRule
from marketplace.data import FREEZE_H, TaskTerms
from marketplace.groups import of_other_groups
from marketplace.models import ServiceTask, TaskInvitation
from optimization.api import get_plan, plan_snapshot
from tenants.agreements.api import State as Standing
from tenants.agreements.api import standing
from tenants.api import get_agreement, get_equipment, get_site, own_names, require, sisters, tenants
from tenants.data import Actor, FieldError, Invalid

SAME = (
    *("description", "category", "access_h", "fee_minor", "currency", "mode", "bids_until", "openers_needed"),
    *("standstill_h", "retention_bp", "warranty_d"),
)


def place_of(site_id: UUID | None, equipment_id: UUID | None, alarm_id: UUID | None) -> tuple[Any, Any, Any]:
    """The own site, equipment and alarm that a task is about: what contains the one named follows from it."""
    site: Any = None
    equipment: Any = None
    alarm: Any = None
    if alarm_id is not None:
        alarm = get_alarm(alarm_id, needs="post_tasks")
        site, equipment = alarm.site, alarm.equipment
    elif equipment_id is not None:
        equipment = get_equipment(equipment_id, needs="post_tasks")
        site = equipment.site
    elif site_id is not None:
        site = get_site(site_id, needs="post_tasks")
    else:
        raise Invalid("Say what the task is about.", (FieldError("/site", "name a site, equipment or an alarm"),))
    for name, given, found in (("site", site_id, site), ("equipment", equipment_id, equipment)):
        if given is not None and given != found.pk:
            raise Invalid(f"The {name} is not where the rest is.", (FieldError(f"/{name}", "leave it out"),))
    return site, equipment, alarm


def snapshot_of(
    site: Any, equipment: Any, alarm: Any, plan_id: UUID | None, gathered: Mapping[str, Any]
) -> dict[str, Any]:
    """What other organisations learn of it; `evidence` is of the alarm and the plan, and what was `gathered`."""
    evidence = (alarm_snapshot(alarm) if alarm else {}) | (_plan_evidence(plan_id) if plan_id else {}) | dict(gathered)
    return {
        "owner_name": own_names().organisation,
        "site_name": site.name,
        "site_kind": site.kind,
        "site_country": site.country,
        "equipment_code": equipment and equipment.code,
        "equipment_name": equipment and equipment.name,
        "equipment_kind": equipment and equipment.kind,
        "evidence": evidence or None,
    }


def readings_of(equipment: Any, alarm: Any, freeze_h: int) -> dict[str, Any]:
    """What is frozen of a machine that no alarm speaks of; an alarm brings the hour before it along."""
    if freeze_h == 0:
        return {}
    require("view_telemetry")
    wrong = f"give 0 to {FREEZE_H} hours" if not 0 < freeze_h <= FREEZE_H else ""
    wrong = wrong or ("leave it out: the alarm brings its readings along" if alarm else "")
    wrong = wrong or ("name the machine that the task is about" if equipment is None else "")
    if wrong:
        raise Invalid("No readings can be frozen.", (FieldError("/freeze_h", wrong),))
    return machine_snapshot(equipment, hours=freeze_h)


def columns_of(terms: TaskTerms, owner: Actor) -> tuple[dict[str, Any], tuple[UUID, ...]]:
    """The task's columns, and the organisations that it invites: those named, or the partner of its framework."""
    columns = {name: getattr(terms, name) for name in SAME}
    columns |= {"title": terms.title.strip(), "opens": sorted(set(terms.opens)), "visibility": terms.visibility}
    columns |= {"milestones": [dict(each) for each in terms.milestones], "framework": None}
    columns["acceptance"] = terms.acceptance and AcceptanceRule.from_document(terms.acceptance).to_document()
    if terms.framework is None:
        return columns, _known(terms.invited, owner)
    framework = _framework(terms.framework, owner)
    return columns | {"framework": framework, "visibility": "invited"}, (framework.partner_id,)


def invite(task: ServiceTask, firms: tuple[UUID, ...]) -> None:
    """These and no others; the task is a draft, so nobody has seen it yet."""
    TaskInvitation.objects.filter(task=task).exclude(firm__in=firms).delete()
    rows = [TaskInvitation(tenant_id=task.tenant_id, task=task, firm_id=firm) for firm in firms]
    with of_other_groups():
        TaskInvitation.objects.bulk_create(rows, ignore_conflicts=True)


def terms_of(task: ServiceTask) -> dict[str, Any]:
    """The terms of an own task as they stand, as TaskTerms takes them."""
    kept = {name: getattr(task, name) for name in (*SAME, "title", "visibility", "milestones", "acceptance")}
    invited = () if task.framework_id else tuple(task.invitations.order_by("pk").values_list("firm", flat=True))
    return kept | {"opens": tuple(task.opens), "framework": task.framework_id, "invited": invited}


def _plan_evidence(plan_id: UUID) -> dict[str, Any]:
    return {"plan": plan_snapshot(get_plan(plan_id))}


def _framework(framework_id: UUID, owner: Actor) -> Any:
    framework = get_agreement(framework_id, needs="post_tasks")
    is_usable = framework.kind == "framework" and standing(framework) == Standing.ACTIVE
    if framework.tenant_id != owner.tenant_id or not is_usable:
        words = "name an active framework agreement in which your organisation is the owner"
        raise Invalid("Nothing can be called off it.", (FieldError("/framework", words),))
    return framework


def _known(firms: tuple[UUID, ...], owner: Actor) -> tuple[UUID, ...]:
    """Without repetitions, in the order given; Invalid names the first one that can't be invited."""
    if not firms:
        return ()
    listed = set(tenants().filter(pk__in=firms).values_list("pk", flat=True)) - {owner.tenant_id}
    related = set(sisters().filter(pk__in=firms).values_list("pk", flat=True))
    for n, firm in enumerate(firms):
        if firm not in listed or firm in related:
            words = "name another organisation that is listed"
            if firm in related:
                words = "it is of your own group of companies; name a firm of another one"
            raise Invalid("Somebody can't be invited.", (FieldError(f"/invited/{n}", words),))
    return tuple(dict.fromkeys(firms))
