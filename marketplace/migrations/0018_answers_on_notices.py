"""What was asked about a public task and answered is on its notice, whoever answers."""

from django.db import migrations, models

FOLLOW = """
CREATE FUNCTION marketplace_notice_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.marketplace_publicnotice SET answers = (
    SELECT jsonb_agg(jsonb_build_object('text', q.text, 'answer', q.answer) ORDER BY q.id)
      FROM public.marketplace_taskquestion q
     WHERE q.tenant_id = NEW.tenant_id AND q.task_id = NEW.task_id AND q.answered_at IS NOT NULL)
   WHERE tenant_id = NEW.tenant_id AND task_id = NEW.task_id;
  RETURN NULL;
END $$;
CREATE TRIGGER notice_answers AFTER UPDATE OF answered_at ON marketplace_taskquestion FOR EACH ROW
  WHEN (NEW.answered_at IS NOT NULL) EXECUTE FUNCTION marketplace_notice_answers();
"""
GUARD = """
DROP TRIGGER guard_notice ON marketplace_publicnotice;
CREATE TRIGGER guard_notice BEFORE UPDATE ON marketplace_publicnotice
  FOR EACH ROW EXECUTE FUNCTION marketplace_change_only({columns});
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0017_answered_claims")]

    operations = [
        migrations.AddField("publicnotice", "answers", models.JSONField(default=list)),
        migrations.RunSQL(GUARD.format(columns="'state', 'answers'"), GUARD.format(columns="'state'")),
        migrations.RunSQL(FOLLOW, "DROP FUNCTION marketplace_notice_answers CASCADE"),
    ]
