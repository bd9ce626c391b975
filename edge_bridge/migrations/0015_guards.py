"""The limits that rules hold on each sensor are rows of their own, which partners of the place may see."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

import tenants.models.base
from edge_bridge.rules.kinds import limits_of, parse_rule
from edge_bridge.rules.thresholds import RuleError
from tenants.policies import OWN, Wall, own_or_granted

FROZEN = """
CREATE TRIGGER ended_guard_is_frozen BEFORE UPDATE ON edge_bridge_guard FOR EACH ROW
  WHEN (OLD.ended_at IS NOT NULL)
  EXECUTE FUNCTION wall.rule_refuses_change('What was switched off stays told as it was.');
"""
# A clause's delay counts from the switching on, or off.
SHOWN = own_or_granted("view_alarms", changed_at="greatest(began_at, ended_at)")
READ = ("edge_bridge_keptrule", "edge_bridge_ruleversion", "tenants_equipment")


def begin(apps, schema_editor):
    """Of the rules that are in force: since now, as far as is known."""
    cursor = schema_editor.connection.cursor()
    for table in READ:
        cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    alias, now = schema_editor.connection.alias, django.utils.timezone.now()
    versions = apps.get_model("edge_bridge", "RuleVersion").objects.using(alias)
    for version in versions.filter(rule__enabled_n=models.F("n")).select_related("rule"):
        _begin_guards(apps, alias, version, now)
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in READ:
        cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _begin_guards(apps, alias, version, now):
    Guard, rule = apps.get_model("edge_bridge", "Guard"), version.rule
    machines = apps.get_model("tenants", "Equipment").objects.using(alias)
    codes = dict(machines.filter(tenant=rule.tenant_id, site=rule.site_id).values_list("code", "pk"))
    said = {"n": version.n, "kind": version.settings.get("kind", "limits"), "clause": version.clause}
    said |= {"rule": rule.name, "is_safety": rule.is_safety, "began_at": now}
    try:
        limits = list(limits_of(parse_rule({**version.settings, "name": rule.name})))
    except RuleError:
        return  # no gateway can judge by it either
    place = {"tenant_id": rule.tenant_id, "site_id": rule.site_id, "kept_rule_id": rule.pk}
    Guard.objects.using(alias).bulk_create(
        Guard(**place, **said, equipment_id=codes[code], tag=tag, alarm_type=alarm_type, limit=limit)
        for code, tag, alarm_type, limit in limits
        if code in codes
    )


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0014_set_aside_alarms"), ("tenants", "0018_places_of_work")]

    operations = [
        migrations.CreateModel(
            name="Guard",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("n", models.IntegerField(help_text="Which version of the rule.")),
                ("tag", models.CharField(max_length=64)),
                ("rule", models.CharField(max_length=40)),
                ("kind", models.CharField(max_length=20)),
                ("alarm_type", models.CharField(max_length=64)),
                ("limit", models.FloatField(blank=True, null=True)),
                ("clause", models.CharField(blank=True, default="", max_length=100)),
                ("is_safety", models.BooleanField(default=False)),
                ("began_at", models.DateTimeField()),
                ("begun_by", models.CharField(blank=True, default="", max_length=200)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, default="", max_length=200)),
                ("end_reason", models.CharField(blank=True, default="", max_length=300)),
                (
                    "equipment",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.equipment"
                    ),
                ),
                (
                    "kept_rule",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="guards", to="edge_bridge.keptrule"
                    ),
                ),
                (
                    "site",
                    tenants.models.base.TenantForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tenants.site"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "site", "-began_at"], name="guard_of_site_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=Q(("ended_at", None)),
                        fields=("tenant", "kept_rule", "equipment", "tag", "alarm_type"),
                        name="guard_in_force_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(("end_reason", ""), ("ended_at", None), ("ended_by", ""))
                        | Q(("ended_at__isnull", False)),
                        name="guard_ended_at_a_time",
                    ),
                ],
            },
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
        Wall("Guard", read=SHOWN, write="false", insert=OWN, update=OWN),
        migrations.RunSQL(FROZEN, migrations.RunSQL.noop),
    ]
