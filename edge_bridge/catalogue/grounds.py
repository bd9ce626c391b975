"""Why an alarm was raised: the version of the kept rule that its gateway judged by, and the clause of its limit.

A gateway names the rule and the limit, not the version. It is the one whose guard of this sensor, or of a sensor that
is judged for this machine, has that limit, and of several the one in force when the alarm was raised, by the edge's
clock, or else the newest.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from edge_bridge.catalogue.data import kept_name, templates


@dataclass(frozen=True, slots=True)
class Grounds:
    """As columns of an alarm. `clause_words` and `clause_source` are empty where the template has changed since."""

    rule_version: int | None = None
    clause: str = ""
    clause_words: str = ""
    clause_status: str = ""
    clause_source: str = ""

    def columns(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Raising:
    """What an alarm is raised by, as it says itself."""

    equipment_id: UUID
    alarm_type: str
    rule: str
    limit: float
    raised_at: datetime


UNKNOWN = Grounds()
_GUARDS = """
SELECT said.k, version.n, version.clause, version.template, version.template_status
  FROM jsonb_to_recordset(%s) AS said(k int, equipment uuid, alarm_type text, rule text, level float8, at timestamptz)
  JOIN tenants_equipment machine ON machine.id = said.equipment
 CROSS JOIN LATERAL (
    SELECT v.* FROM edge_bridge_guard g
      JOIN edge_bridge_ruleversion v ON v.tenant_id = g.tenant_id AND v.rule_id = g.kept_rule_id AND v.n = g.n
     WHERE g.site_id = %s AND g.rule = said.rule AND g.alarm_type = said.alarm_type
       AND (g.equipment_id = said.equipment OR (v.settings ? 'inputs' AND v.settings ->> 'equipment' = machine.code))
     ORDER BY g."limit" IS NOT DISTINCT FROM said.level DESC,
              said.at >= g.began_at AND (g.ended_at IS NULL OR said.at < g.ended_at) DESC, g.began_at DESC
     LIMIT 1) version
"""


def grounds_of(site_id: UUID, raisings: Iterable[Raising]) -> dict[Raising, Grounds]:
    """In the owner's transaction, by one statement; those of which no kept rule is known are not in it."""
    asked = list(raisings)
    said = [
        {
            "k": k,
            "equipment": each.equipment_id,
            "alarm_type": each.alarm_type,
            "rule": kept_name(each.rule),
            "level": each.limit,
            "at": each.raised_at,
        }
        for k, each in enumerate(asked)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_GUARDS, [json.dumps(said, default=str), site_id])
        return {asked[k]: _grounds(*version) for k, *version in cursor.fetchall()}


def _grounds(n: int, clause: str, template_key: str, status: str) -> Grounds:
    template = templates().get(template_key)
    if template is None or (template.reference, template.status) != (clause, status):
        return Grounds(n, clause, clause_status=status)
    return Grounds(n, clause, template.words, status, template.source)
