"""Files and questions beside a task, and what anybody may read of a public one without signing in."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.ids
import tenants.models.base
from django.conf import settings
from django.db import migrations, models

from tenants.policies import ME, MY_CREDENTIAL, OWN, Wall

# Whoever is shown the task is shown what lies beside it; plain subqueries, under the task's own policy.
BESIDE = f"""CASE WHEN {OWN} THEN true
  ELSE EXISTS (SELECT FROM marketplace_servicetask t WHERE t.id = task_id) END"""
OF_A_DRAFT = f"""{OWN} AND EXISTS (
  SELECT FROM marketplace_servicetask t WHERE t.id = task_id AND t.tenant_id = {ME} AND t.state = 'draft')"""
# As marketplace.desk.notices presents it.
NOTICE_BOARD = f"{MY_CREDENTIAL} = 'the notice board'"

GUARD = """
CREATE FUNCTION marketplace_change_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changing text[] := coalesce(TG_ARGV, '{}');
BEGIN
  IF to_jsonb(NEW) - changing IS DISTINCT FROM to_jsonb(OLD) - changing THEN
    RAISE EXCEPTION 'what lies beside a service task never changes' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_attachment BEFORE UPDATE ON marketplace_taskattachment
  FOR EACH ROW EXECUTE FUNCTION marketplace_change_only();
CREATE TRIGGER guard_asker BEFORE UPDATE ON marketplace_taskasker
  FOR EACH ROW EXECUTE FUNCTION marketplace_change_only();
CREATE TRIGGER guard_question BEFORE UPDATE ON marketplace_taskquestion FOR EACH ROW
  WHEN (OLD.answered_at IS NULL) EXECUTE FUNCTION marketplace_change_only('answer', 'answered_at', 'answered_by_id');
CREATE TRIGGER guard_answer BEFORE UPDATE ON marketplace_taskquestion FOR EACH ROW
  WHEN (OLD.answered_at IS NOT NULL) EXECUTE FUNCTION marketplace_change_only();
CREATE TRIGGER guard_notice BEFORE UPDATE ON marketplace_publicnotice
  FOR EACH ROW EXECUTE FUNCTION marketplace_change_only('state');
"""


class Migration(migrations.Migration):

    dependencies = [
        ('marketplace', '0005_reactions'),
        ('tenants', '0017_feed'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TaskQuestion',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('answer', models.TextField(blank=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='questions', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='TaskAsker',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('firm_name', models.CharField(max_length=200)),
                ('firm', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
                ('question', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='asked', to='marketplace.taskquestion')),
            ],
        ),
        migrations.CreateModel(
            name='PublicNotice',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('facts', models.JSONField()),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('open', 'Open'), ('claimed', 'Claimed'), ('submitted', 'Submitted'), ('sealed_closed', 'Sealed closed'), ('opened', 'Opened'), ('evaluating', 'Evaluating'), ('awarded', 'Awarded'), ('contracted', 'Contracted'), ('closed', 'Closed'), ('cancelled', 'Cancelled'), ('unsuccessful', 'Unsuccessful'), ('terminated', 'Terminated')], max_length=20)),
                ('published_at', models.DateTimeField()),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['-id'], name='public_notice_newest')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'task'), name='public_notice_once')],
            },
        ),
        migrations.CreateModel(
            name='TaskAttachment',
            fields=[
                ('id', models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('media_type', models.CharField(choices=[('application/pdf', 'application/pdf'), ('image/png', 'image/png'), ('image/jpeg', 'image/jpeg'), ('application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'), ('application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'), ('model/step', 'model/step'), ('image/vnd.dxf', 'image/vnd.dxf'), ('text/csv', 'text/csv')], max_length=100)),
                ('size_bytes', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('content', models.BinaryField()),
                ('added_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', tenants.models.base.TenantForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='marketplace.servicetask')),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'task'], name='task_attachment_of')],
                'constraints': [models.CheckConstraint(condition=models.Q(('size_bytes__range', (1, 10000000))), name='task_attachment_bounded'), models.UniqueConstraint(fields=('tenant', 'task', 'sha256'), name='task_attachment_once')],
            },
        ),
        migrations.AddIndex(
            model_name='taskquestion',
            index=models.Index(fields=['tenant', 'task'], name='task_question_of'),
        ),
        migrations.AddConstraint(
            model_name='taskquestion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('answer', ''), ('answered_at__isnull', True)), models.Q(('answer__gt', ''), ('answered_at__isnull', False)), _connector='OR'), name='task_question_answered_or_not'),
        ),
        migrations.AddConstraint(
            model_name='taskasker',
            constraint=models.UniqueConstraint(fields=('tenant', 'question'), name='task_asker_once'),
        ),
        migrations.AddConstraint(
            model_name='taskasker',
            constraint=models.CheckConstraint(condition=models.Q(('firm', models.F('tenant')), _negated=True), name='task_asker_is_another'),
        ),
        Wall("TaskAttachment", read=BESIDE, write=OF_A_DRAFT, insert=OWN, update=OWN),
        Wall("TaskQuestion", read=BESIDE),
        Wall("TaskAsker", read=f"{OWN} OR firm_id = {ME}"),
        Wall("PublicNotice", read=f"{OWN} OR {NOTICE_BOARD}"),
        migrations.RunSQL(GUARD, "DROP FUNCTION marketplace_change_only CASCADE"),
    ]
