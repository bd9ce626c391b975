"""Rules kept in the cloud, their versions and trials, and what gateways judge by."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import Wall

# The version in force is one of the rule's own; the two tables refer to each other, and a purge must begin somewhere.
IN_FORCE = """
ALTER TABLE edge_bridge_keptrule ADD CONSTRAINT rule_in_force_is_its_own FOREIGN KEY (tenant_id, id, enabled_n)
  REFERENCES edge_bridge_ruleversion (tenant_id, rule_id, n) ON DELETE SET NULL (enabled_n)
  DEFERRABLE INITIALLY DEFERRED;
"""
FROZEN = """
CREATE FUNCTION wall.rule_refuses_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER rule_version_is_frozen BEFORE UPDATE ON edge_bridge_ruleversion FOR EACH ROW
  EXECUTE FUNCTION wall.rule_refuses_change('What a version of a rule says never changes; make another version.');
CREATE TRIGGER rule_trial_result_is_frozen BEFORE UPDATE ON edge_bridge_ruletrial FOR EACH ROW
  WHEN (OLD.finished_at IS NOT NULL)
  EXECUTE FUNCTION wall.rule_refuses_change('A finished backtest never changes; ask for another one.');
CREATE TRIGGER retired_rule_stays_retired BEFORE UPDATE ON edge_bridge_keptrule FOR EACH ROW
  WHEN (OLD.retired_at IS NOT NULL)
  EXECUTE FUNCTION wall.rule_refuses_change('A retired rule never changes; make a new one.');
"""
THAWED = """
DROP TRIGGER retired_rule_stays_retired ON edge_bridge_keptrule;
DROP TRIGGER rule_trial_result_is_frozen ON edge_bridge_ruletrial;
DROP TRIGGER rule_version_is_frozen ON edge_bridge_ruleversion;
DROP FUNCTION wall.rule_refuses_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('edge_bridge', '0009_production'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='KeptRule',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=40)),
                ('enabled_n', models.IntegerField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(blank=True, null=True)),
                ('site', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.site')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('enabled_n__isnull', False)), fields=['site'], name='rule_in_force')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('tenant', 'site', 'name'), name='rule_name_once'), models.CheckConstraint(condition=models.Q(('retired_at', None), ('enabled_n', None), _connector='OR'), name='rule_retired_is_off')],
            },
        ),
        migrations.CreateModel(
            name='RulesInUse',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('edge', models.CharField(max_length=64)),
                ('digest', models.CharField(blank=True, default='', max_length=500)),
                ('refused', models.CharField(blank=True, default='', max_length=500)),
                ('detail', models.CharField(blank=True, default='', max_length=500)),
                ('said_at', models.DateTimeField()),
                ('device', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules_in_use', to='edge_bridge.device')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'rules in use',
                'constraints': [models.UniqueConstraint(fields=('tenant', 'device', 'edge'), name='rules_in_use_once')],
            },
        ),
        migrations.CreateModel(
            name='RuleVersion',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('n', models.IntegerField()),
                ('settings', models.JSONField()),
                ('note', models.CharField(blank=True, default='', max_length=300)),
                ('template', models.CharField(blank=True, default='', max_length=60)),
                ('clause', models.CharField(blank=True, default='', max_length=100)),
                ('template_status', models.CharField(blank=True, default='', max_length=60)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rule', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='edge_bridge.keptrule')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'rule', 'n'), name='rule_version_once'), models.CheckConstraint(condition=models.Q(('n__gte', 1)), name='rule_version_counts')],
            },
        ),
        migrations.CreateModel(
            name='RuleTrial',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('asked', models.JSONField()),
                ('status', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('done', 'done'), ('cancelled', 'cancelled'), ('failed', 'failed')], default="queued", max_length=10)),
                ('done_frac', models.FloatField(default=0.0)),
                ('message', models.CharField(blank=True, default='', max_length=300)),
                ('result', models.JSONField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_requested_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('version', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trials', to='edge_bridge.ruleversion')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status__in', ['queued', 'running'])), fields=['created_at'], name='rule_trial_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['queued', 'running'])), fields=('tenant', 'version'), name='rule_trial_at_a_time'), models.CheckConstraint(condition=models.Q(('since__lt', models.F('until'))), name='rule_trial_spans_time'), models.CheckConstraint(condition=models.Q(models.Q(('result__isnull', False), ('status', 'done')), models.Q(models.Q(('status', 'done'), _negated=True), ('result__isnull', True)), _connector='OR'), name='rule_trial_done_has_result')],
            },
        ),
        Wall("KeptRule"),
        Wall("RuleVersion"),
        Wall("RuleTrial"),
        Wall("RulesInUse"),
        migrations.RunSQL(IN_FORCE, "ALTER TABLE edge_bridge_keptrule DROP CONSTRAINT rule_in_force_is_its_own"),
        migrations.RunSQL(FROZEN, THAWED),
    ]
