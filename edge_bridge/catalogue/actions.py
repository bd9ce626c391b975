"""The writes of kept rules: each is entered in the ledger and told on the organisation's feed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from edge_bridge.alarms.data import LONGEST_RE_ALARM_S, SHORTEST_RE_ALARM_S
from edge_bridge.alarms.suppression import settle
from edge_bridge.catalogue import queries
from edge_bridge.catalogue.access import get_rule, version_of
from edge_bridge.catalogue.data import (
    LIMITS,
    MAX_RULE_NAME_CHARS,
    MAX_SETTINGS_CHARS,
    MAX_WORDS_CHARS,
    MOST_RULES_OF_A_SITE,
    MOST_SENSORS,
    MOST_VERSIONS,
    SHORTEST_REASON,
    Template,
    equipment_of,
    guards_people,
    refuse_together,
    rule_of,
    table_of,
    templates,
)
from edge_bridge.catalogue.guards import begin_guards, end_guards, mark_guards, supervisors_of
from edge_bridge.models import KeptRule, RuleVersion, Series
from edge_bridge.protocol import ProtocolError, RuleSet, encode
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import points
from edge_bridge.rules.thresholds import RuleError
from tenants.api import announce, enter, require
from tenants.data import Conflict, Event, FieldError, Invalid, NotFound
from tenants.models import Equipment, Site

TAKEN = "There is a rule {!r} at this site already."


@dataclass(frozen=True, slots=True)
class Sensor:
    """By its codes, as rules name it."""

    equipment: str
    tag: str


def make_rule(*, site: Site, name: str, settings: Mapping[str, Any], note: str = "") -> KeptRule:
    """A draft at an own site; Invalid with a pointer to the setting that cannot work."""
    return _kept(site, name, settings, note)


def make_rules_from_template(*, site: Site, key: str, sensors: Sequence[Sensor], kind: str = LIMITS) -> list[KeptRule]:
    """A draft of this kind for each sensor, or without any for each at the site whose tag is the hazard's name.

    A sensor that has such a rule from this template is passed over, or Conflict if it is named or all have one. A name
    that is taken gets a number behind it.
    """
    _require_own(site)
    template = templates().get(key)
    if template is None:
        raise Invalid("There is no such template.", (FieldError("/template", f"one of {', '.join(templates())}"),))
    chosen = list(sensors) or _sensors_of(site, template.hazard)
    if not 1 <= len(chosen) <= MOST_SENSORS:
        message = f"name 1 to {MOST_SENSORS}; {len(chosen)} at the site measured a tag {template.hazard}"
        raise Invalid("Which sensors is not clear.", (FieldError("/sensors", message),))
    known = _made_from(site, template, kind)
    new = [sensor for sensor in chosen if sensors or sensor not in known]
    if had := next((sensor for sensor in new or chosen if sensor in known), None):
        where = f"The sensor {had.tag} of {had.equipment}"
        raise Conflict(f"{where} has the rule {known[had]!r} from this template; change that one, or retire it first.")
    return [_from_template(site, template, kind, sensor, f"/sensors/{chosen.index(sensor)}") for sensor in new]


def change_rule(*, rule: KeptRule, settings: Mapping[str, Any], note: str = "") -> KeptRule:
    """A new version. What gateways judge by stays as it is until the new one is enabled."""
    rule = _locked(rule)
    check_rule(rule.site, rule.name, settings)
    _check_words("note", note)
    newest = rule.newest
    if newest.n >= MOST_VERSIONS:
        raise Conflict(f"This rule has {MOST_VERSIONS} versions; retire it and make a new one.")
    source = {"template": newest.template, "clause": newest.clause, "template_status": newest.template_status}
    # With other figures it no longer is what the instrument says.
    kept = source if _figures(settings) == _figures(newest.settings) else {}
    if _is_about_people(rule.name, settings):
        KeptRule.objects.filter(pk=rule.pk).update(is_safety=True)
    version = _new_version(rule, newest.n + 1, settings, note, kept)
    _tell("changed", rule, version)
    return get_rule(rule.pk)


def enable_rule(*, rule: KeptRule, n: int | None = None, reason: str = "") -> KeptRule:
    """Gateways judge by version `n`, the newest for None, as soon as they ask.

    Conflict if it was never tried and no reason is given, or if it gets in the way of another rule of the site.
    """
    rule = _locked(rule)
    version = version_of(rule, n)
    _check_words("reason", reason)
    if not version.was_tried and not reason.strip():
        raise Conflict(
            f"Version {version.n} was never tried on stored readings. Backtest it, or give a reason why not."
        )
    check_rule(rule.site, rule.name, version.settings)
    # One enabling at a time, or two rules of which each fits alone could come in together.
    Site.objects.select_for_update(no_key=True).filter(pk=rule.site_id).first()
    others = queries.versions_in_force(rule.tenant_id, [rule.site_id]).exclude(rule=rule)
    _refuse_in_the_way([queries.wire_table(each) for each in (*others, version)])
    begin_guards(rule, version)
    KeptRule.objects.filter(pk=rule.pk).update(enabled_n=version.n, switched_at=Now())
    _tell("enabled", rule, version, reason=reason)
    return get_rule(rule.pk)


def disable_rule(*, rule: KeptRule, reason: str) -> KeptRule:
    """Its standing alarms are cleared by the gateways; who has a mandate over the place is told of a rule of safety."""
    _check_words("reason", reason, least=SHORTEST_REASON)
    rule = _locked(rule)
    version = rule.in_force
    if version is None:
        raise Conflict("No version of this rule is enabled.")
    end_guards(rule, reason)
    KeptRule.objects.filter(pk=rule.pk).update(enabled_n=None, switched_at=Now())
    _tell("disabled", rule, version, reason=reason)
    return get_rule(rule.pk)


def retire_rule(*, rule: KeptRule, reason: str) -> KeptRule:
    """For good: its versions stay to be looked at, and its name is free."""
    _check_words("reason", reason, least=SHORTEST_REASON)
    rule = _locked(rule)
    end_guards(rule, reason)
    KeptRule.objects.filter(pk=rule.pk).update(enabled_n=None, switched_at=Now(), retired_at=Now())
    _tell("retired", rule, rule.newest, reason=reason)
    return get_rule(rule.pk)


def set_calls(*, rule: KeptRule, is_safety: bool, re_alarm_s: int | None, reason: str) -> KeptRule:
    """How its alarms call: whether they may be suppressed by design, and when one that stands is announced again.

    Conflict for taking the mark `is_safety` from a rule about a hazard to people. `re_alarm_s` counts from each
    acknowledgement, None: never; it holds from the next acknowledgement on.
    """
    _check_words("reason", reason, least=SHORTEST_REASON)
    if re_alarm_s is not None and not SHORTEST_RE_ALARM_S <= re_alarm_s <= LONGEST_RE_ALARM_S:
        message = f"between {SHORTEST_RE_ALARM_S} and {LONGEST_RE_ALARM_S}, or nothing"
        raise Invalid("That is no time to announce it again.", (FieldError("/re_alarm_s", message),))
    rule = _locked(rule)
    if not is_safety and any(
        each.template or _is_about_people(rule.name, each.settings) for each in rule.versions.all()
    ):
        raise Conflict("This rule is about a hazard to people that instruments limit; it stays marked as safety.")
    KeptRule.objects.filter(pk=rule.pk).update(is_safety=is_safety, re_alarm_s=re_alarm_s)
    mark_guards(rule, is_safety=is_safety)
    settle(rule.tenant_id, rule.site_id, datetime.now(UTC))
    _tell("calls_set", rule, rule.newest, reason=reason, is_safety=is_safety, re_alarm_s=re_alarm_s)
    return get_rule(rule.pk)


def check_new(site: Site, name: str, settings: Mapping[str, Any]) -> None:
    """Refuses what `make_rule` would: a name that is taken, one rule too many, or as `check_rule`."""
    _require_own(site)
    if not 1 <= len(name) <= MAX_RULE_NAME_CHARS:
        message = f"1 to {MAX_RULE_NAME_CHARS} characters"
        raise Invalid("The rule needs a name.", (FieldError("/name", message),))
    check_rule(site, name, settings)
    kept = KeptRule.objects.filter(site=site, retired_at=None)
    if kept.filter(name=name).exists():
        raise Conflict(TAKEN.format(name))
    if kept.count() >= MOST_RULES_OF_A_SITE:
        raise Invalid(f"A site has at most {MOST_RULES_OF_A_SITE} rules; retire some.")


def check_rule(site: Site, name: str, settings: Mapping[str, Any]) -> None:
    """Invalid, with a pointer, where the settings make no rule or name equipment that is not at the site."""
    if len(json.dumps(settings)) > MAX_SETTINGS_CHARS:
        raise Invalid("The rule is too long.", (FieldError("/settings", f"at most {MAX_SETTINGS_CHARS} characters"),))
    try:
        codes = equipment_of(rule_of(name, settings))
    except RuleError as error:
        raise Invalid("The rule can't work as it is.", (FieldError(_pointer(error), error.message),)) from None
    here = set(Equipment.objects.own().filter(site=site, code__in=codes).values_list("code", flat=True))
    if codes - here:
        message = f"there is no {', '.join(sorted(codes - here))} at this site; register it"
        raise Invalid("The rule names unknown equipment.", (FieldError("/settings/equipment", message),))


# Inside ----------------------------------------------------------------------------------------------------------


def _kept(site: Site, name: str, settings: Mapping[str, Any], note: str, **source: str) -> KeptRule:
    check_new(site, name, settings)
    _check_words("note", note)
    is_safety = bool(source) or _is_about_people(name, settings)
    rule = KeptRule(tenant_id=site.tenant_id, site=site, name=name, is_safety=is_safety)
    try:
        with transaction.atomic():
            rule.save(force_insert=True)
    except IntegrityError:
        raise Conflict(TAKEN.format(name)) from None
    _tell("made", rule, _new_version(rule, 1, settings, note, source))
    return get_rule(rule.pk)


def _new_version(
    rule: KeptRule, n: int, settings: Mapping[str, Any], note: str, source: Mapping[str, str]
) -> RuleVersion:
    by = require("manage_rules").user_id
    version = RuleVersion(tenant_id=rule.tenant_id, rule=rule, n=n, settings=settings, note=note, made_by_id=by)
    for name, value in source.items():
        setattr(version, name, value)
    version.save(force_insert=True)
    return version


def _from_template(site: Site, template: Template, kind: str, sensor: Sensor, pointer: str) -> KeptRule:
    series = Series.objects.filter(site=site, equipment__code=sensor.equipment, tag=sensor.tag).first()
    if series is not None and not template.takes_unit(series.unit):
        message = f"measures in {series.unit}, the template is in {template.unit}"
        raise Invalid("The template doesn't fit the sensor.", (FieldError(pointer, message),))
    try:
        settings = template.settings(sensor.equipment, sensor.tag, kind)
    except RuleError as error:
        raise Invalid("The template is no rule.", (FieldError(f"/{error.path}", error.message),)) from None
    name = _free_name(site, template.rule_name(kind, sensor.equipment))
    source = {"template": template.key, "clause": template.reference, "template_status": template.status}
    return _kept(site, name, settings, template.note(kind), **source)


def _made_from(site: Site, template: Template, kind: str) -> dict[Sensor, str]:
    """The sensors that have a rule of this kind from it, with the rule's name."""
    of_kind = RuleVersion.objects.filter(rule__site=site, rule__retired_at=None, settings__kind=kind)
    made = of_kind.filter(template=template.key)
    rows = made.order_by("pk").values_list("settings__equipment", "settings__tag", "rule__name")
    return {Sensor(equipment, tag): name for equipment, tag, name in rows}


def _free_name(site: Site, name: str) -> str:
    """The name, or with the first number behind it by which there is none at the site."""
    taken = set(KeptRule.objects.filter(site=site, retired_at=None).values_list("name", flat=True))
    suffixes = ("", *(f" {n}" for n in range(2, len(taken) + 3)))
    names = (name[: MAX_RULE_NAME_CHARS - len(suffix)] + suffix for suffix in suffixes)
    return next(free for free in names if free not in taken)


def _sensors_of(site: Site, hazard: str) -> list[Sensor]:
    found = Series.objects.filter(site=site, tag__iexact=hazard, equipment__site=site)
    rows = found.select_related("equipment").order_by("pk")[: MOST_SENSORS + 1]
    return [Sensor(row.equipment.code, row.tag) for row in rows]


def _is_about_people(name: str, settings: Mapping[str, Any]) -> bool:
    rule = rule_of(name, settings)
    return any(guards_people(tag) for tag in (rule.tag, *(tag for _, tag in points(rule))))


def _require_own(site: Site) -> None:
    if require("manage_rules").tenant_id != site.tenant_id:
        raise NotFound


def _locked(rule: KeptRule) -> KeptRule:
    """As it stands once nobody else changes it; Conflict if it was retired."""
    require("manage_rules")
    KeptRule.objects.select_for_update(no_key=True).filter(pk=rule.pk).first()
    rule = get_rule(rule.pk)
    if rule.retired_at is not None:
        raise Conflict("This rule was retired; make a new one.")
    return rule


def _refuse_in_the_way(tables: list[dict[str, Any]]) -> None:
    try:
        refuse_together(tables)
        encode(RuleSet(digest_of(tables), tuple(tables)))
    except RuleError as error:
        raise Conflict(f"It gets in the way of another rule of the site: {error}.") from None
    except ProtocolError as error:
        raise Conflict(f"With it the site's rules no longer fit in one message: it {error}.") from None


def _figures(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings.get(name) for name in ("kind", "lo_lo", "lo", "hi", "hi_hi", "limit", "is_high")}


def _pointer(error: RuleError) -> str:
    path = error.path.replace("[", "/").replace("]", "").replace(".", "/")
    return {"rule": "/settings", "name": "/name"}.get(path, f"/settings/{path}")


def _check_words(name: str, text: str, least: int = 0) -> None:
    if not least <= len(text.strip()) or len(text) > MAX_WORDS_CHARS or "\x00" in text:
        message = f"{least} to {MAX_WORDS_CHARS} characters of text"
        raise Invalid(f"The {name} can't be kept.", (FieldError(f"/{name}", message),))


def _tell(what: str, rule: KeptRule, version: RuleVersion, reason: str = "", **more: bool | int | None) -> None:
    """The ledger takes no floats, hence the digest of what the version says.

    What puts a rule of safety into or out of force is on the ledgers and feeds of those with a mandate, too.
    """
    said = {"rule": str(rule.pk), "name": rule.name, "site": str(rule.site_id), "version": version.n, **more}
    source = {"template": version.template, "clause": version.clause, "warning": version.warning}
    digest = digest_of([table_of(rule.name, version.settings)])
    told = supervisors_of(rule) if rule.is_safety and _is_switched(what, rule) else frozenset()
    payload = {**said, **source, "digest": digest, "reason": reason}
    enter(kind=f"rule.{what}", subject=rule.pk, payload=payload, with_tenants=told)
    announce(Event(f"rule.{what}", {**said, **source, "reason": reason}, "view_alarms", to=told))


def _is_switched(what: str, rule: KeptRule) -> bool:
    """`rule` as it was before."""
    return what in ("enabled", "disabled") or (what == "retired" and rule.enabled_n is not None)
