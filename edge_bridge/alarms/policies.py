"""What an organisation decides about its alarms beforehand: suppressions by design, and steps of escalation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

from django.db import IntegrityError, transaction

from edge_bridge.alarms.access import get_suppression_rule
from edge_bridge.alarms.actions import check_member
from edge_bridge.alarms.data import LONGEST_WAIT_S, MOST_STEPS, SHORTEST_WAIT_S, STATES
from edge_bridge.alarms.escalation import steps_of
from edge_bridge.alarms.suppression import rules_of, settle
from edge_bridge.catalogue.data import guards_people
from edge_bridge.models import EscalationStep, Guard, KeptRule, SuppressionRule
from edge_bridge.protocol import Severity
from tenants.api import enter, require
from tenants.data import Conflict, FieldError, Invalid, NotFound
from tenants.models import Equipment, Site
from tenants.roles import ROLES, capabilities_of

MOST_RULES_OF_A_SITE = 200


@dataclass(frozen=True, slots=True)
class Step:
    """After so long the alarm goes to those with the role, or to one member."""

    after_s: int
    role: str = ""
    user_id: UUID | None = None


def make_suppression(*, site: Site, cause: str, effect: str, reason: str) -> SuppressionRule:
    """From now on, while an alarm of type `cause` stands at the own site, those of type `effect` call nobody.

    Invalid, in words, if rules in force raise such alarms about what guards people; those call all the same.
    """
    kept = _room_at(site)
    _refuse_safety_effect(site, effect)
    _check_pair(cause, effect, [(rule.cause, rule.effect) for rule in kept if rule.cause])
    return _made(SuppressionRule(site=site, cause=cause, effect=effect, reason=reason))


def suppress_in_states(
    *,
    site: Site,
    states: Sequence[str],
    reason: str,
    rule: KeptRule | None = None,
    tag: str = "",
    equipment: Equipment | None = None,
) -> SuppressionRule:
    """From now on, while a machine of the own site is in one of `states`, alarms of `rule`, or on `tag`, call nobody.

    With `equipment` only those of that one. Invalid, in words, for what guards people: no state silences that.
    """
    _room_at(site)
    _check_states(states)
    if (rule is None) == (not tag):
        raise Invalid("Which alarms is not clear.", (FieldError("/tag", "name either a rule or a tag"),))
    if (rule is not None and rule.site_id != site.pk) or (equipment is not None and equipment.site_id != site.pk):
        raise NotFound
    if rule is not None and equipment is not None:
        raise Invalid("A rule has its machine already.", (FieldError("/equipment", "leave it out beside a rule"),))
    _refuse_safety(rule, tag)
    listed = [state for state in STATES if state in states]
    return _made(SuppressionRule(site=site, states=listed, rule=rule, tag=tag, equipment=equipment, reason=reason))


def end_suppression(*, rule: SuppressionRule) -> SuppressionRule:
    """What it suppressed returns, unless another rule does so too."""
    rule = get_suppression_rule(rule.pk)
    now = datetime.now(UTC)
    if not SuppressionRule.objects.filter(pk=rule.pk, ended_at=None).update(ended_at=now):
        raise Conflict("This rule has ended already.")
    rule.ended_at = now
    settle(rule.tenant_id, rule.site_id, now)
    _enter(rule, "alarm.suppression_ended")
    return rule


def set_escalation(*, site: Site | None, severity: str, steps: Sequence[Step]) -> list[EscalationStep]:
    """Replace the steps for a severity, at one site or wherever a site has none of its own; none at all lifts them."""
    who = require("manage_rules")
    if site is not None and site.tenant_id != who.tenant_id:
        raise NotFound
    _check_steps(steps)
    steps_of(who.tenant_id).filter(site=site, severity=severity).delete()
    rows = [
        EscalationStep(
            tenant_id=who.tenant_id,
            site=site,
            severity=Severity(severity),
            after_s=step.after_s,
            role=step.role,
            user_id=step.user_id,
        )
        for step in steps
    ]
    EscalationStep.objects.bulk_create(rows)
    said = {"site": site and site.pk, "severity": severity, "steps": [f"{row.after_s} s: {row.target}" for row in rows]}
    enter(kind="alarm.escalation_set", subject=site.pk if site else who.tenant_id, payload=said)
    return rows


def _room_at(site: Site) -> list[SuppressionRule]:
    """The rules of an own site, locked; Invalid if there is no room for one more."""
    if site.tenant_id != require("manage_rules").tenant_id:
        raise NotFound
    kept = list(rules_of(site.pk).select_for_update(no_key=True, of=("self",)))
    if len(kept) >= MOST_RULES_OF_A_SITE:
        raise Invalid(f"A site has at most {MOST_RULES_OF_A_SITE} rules; end some.")
    return kept


def _made(rule: SuppressionRule) -> SuppressionRule:
    rule.tenant_id, rule.made_by_id = rule.site.tenant_id, require("manage_rules").user_id
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError:
        raise Conflict("There is such a rule already.") from None
    settle(rule.tenant_id, rule.site_id, datetime.now(UTC))
    _enter(rule, "alarm.suppression_made")
    return rule


def _check_states(states: Sequence[str]) -> None:
    unknown = [state for state in states if state not in STATES]
    if unknown or not states:
        message = f"one or more of {', '.join(STATES)}"
        raise Invalid("In which states is not clear.", (FieldError("/states", message),))


def _refuse_safety_effect(site: Site, effect: str) -> None:
    for guard in Guard.objects.filter(site=site, alarm_type=effect, ended_at=None):
        if guard.is_safety or guards_people(guard.tag, guard.rule):
            message = (
                f"{guard.rule} raises it about {guard.tag}: it guards people, whatever else stands; shelve instead"
            )
            raise Invalid("No other alarm suppresses these.", (FieldError("/effect", message),))


def _refuse_safety(rule: KeptRule | None, tag: str) -> None:
    """Gas does not ask whether a machine runs."""
    instead = "shelve a single alarm for a time instead, with a reason"
    if rule is not None and rule.is_safety:
        message = f"{rule.name} is marked safety: it guards people, whatever a machine does; {instead}"
        raise Invalid("No state of a machine suppresses this rule.", (FieldError("/rule", message),))
    if tag and guards_people(tag):
        message = f"{tag} is a hazard to people that instruments limit, whatever a machine does; {instead}"
        raise Invalid("No state of a machine suppresses these alarms.", (FieldError("/tag", message),))


def _check_pair(cause: str, effect: str, kept: Sequence[tuple[str, str]]) -> None:
    """Two alarms that suppress each other, even by way of others, would both be silent."""
    reached, fresh = {effect}, {effect}
    while fresh:
        fresh = {then for first, then in kept if first in fresh} - reached
        reached |= fresh
    if cause in reached:
        message = "suppresses the cause itself, perhaps by way of others: both would be silent"
        raise Invalid("Rules can't go in a ring.", (FieldError("/effect", message),))


def _check_steps(steps: Sequence[Step]) -> None:
    if len(steps) > MOST_STEPS:
        raise Invalid("Too many steps.", (FieldError("/steps", f"at most {MOST_STEPS}"),))
    for n, step in enumerate(steps):
        _check_step(step, f"/steps/{n}")
    for n, (first, second) in enumerate(pairwise(steps), 1):
        if second.after_s <= first.after_s:
            raise Invalid(
                "The steps are not in order.", (FieldError(f"/steps/{n}/after_s", "later than the step before"),)
            )


def _check_step(step: Step, pointer: str) -> None:
    if not SHORTEST_WAIT_S <= step.after_s <= LONGEST_WAIT_S:
        message = f"between {SHORTEST_WAIT_S} and {LONGEST_WAIT_S}"
        raise Invalid("A step is out of bounds.", (FieldError(f"{pointer}/after_s", message),))
    if bool(step.role) == (step.user_id is not None):
        raise Invalid("A step goes to a role or to a member.", (FieldError(pointer, "give one of role and user"),))
    if step.user_id is not None:
        check_member(step.user_id, f"{pointer}/user")
    elif "view_alarms" not in capabilities_of(frozenset({step.role}) & ROLES.keys()):
        raise Invalid("There is no such role.", (FieldError(f"{pointer}/role", "a role that sees alarms"),))


def _enter(rule: SuppressionRule, kind: str) -> None:
    said = {"site": rule.site_id, "reason": rule.reason}
    if rule.states:
        said |= {"states": rule.states, "rule": rule.rule_id, "tag": rule.tag, "equipment": rule.equipment_id}
    else:
        said |= {"cause": rule.cause, "effect": rule.effect}
    enter(kind=kind, subject=rule.pk, payload=said)
