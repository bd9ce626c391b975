"""Work that was handed in may be rejected, and is answered in time: what waits for its owner now has the whole time."""

from django.db import migrations, models

BEFORE = "('submitted', 'closed'), ('submitted', 'claimed'),"
WITH_REJECTION = "('submitted', 'closed'), ('submitted', 'claimed'), ('submitted', 'open'),"
WAITING = """
ALTER TABLE marketplace_claim NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_servicetask NO FORCE ROW LEVEL SECURITY;
UPDATE marketplace_claim SET answer_until = now() + interval '7 days' WHERE state = 'live' AND EXISTS (
  SELECT FROM marketplace_servicetask AS task WHERE task.id = marketplace_claim.task_id AND task.state = 'submitted');
ALTER TABLE marketplace_servicetask FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_claim FORCE ROW LEVEL SECURITY;
"""


def change(old: str, new: str):
    def run(apps, schema_editor):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT pg_get_functiondef('marketplace_guard_task'::regproc)")
            (definition,) = cursor.fetchone()
            assert old in definition
            cursor.execute(definition.replace(old, new))

    return run


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0016_failed_reactions")]

    operations = [
        migrations.AddField(
            model_name="claim",
            name="answer_until",
            field=models.DateTimeField(
                help_text="Until when the owner answers work that was handed in; who says nothing has accepted it.",
                null=True,
            ),
        ),
        migrations.AlterField(
            model_name="claim",
            name="state",
            field=models.CharField(
                choices=[
                    ("live", "Live"),
                    ("released", "Released"),
                    ("lapsed", "Lapsed"),
                    ("rejected", "Rejected"),
                    ("completed", "Completed"),
                ],
                default="live",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="claim", name="claim_ended_or_live"),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__isnull", True), ("state", "live"))
                | models.Q(
                    ("ended_at__isnull", False), ("state__in", ["released", "lapsed", "rejected", "completed"])
                ),
                name="claim_ended_or_live",
            ),
        ),
        migrations.RunSQL(WAITING, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="claim",
            index=models.Index(
                condition=models.Q(("state", "live")), fields=["answer_until"], name="claim_to_be_answered"
            ),
        ),
        migrations.RunPython(change(BEFORE, WITH_REJECTION), change(WITH_REJECTION, BEFORE)),
    ]
