"""What stored readings said of the rule of acceptance stays with the claim whose work was submitted; and whether the
market was told that a task is open."""

from django.db import migrations, models

OFFERED = """
ALTER TABLE marketplace_servicetask NO FORCE ROW LEVEL SECURITY;
UPDATE marketplace_servicetask SET is_offered = true WHERE state = 'open';
ALTER TABLE marketplace_servicetask FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0011_mediations")]

    operations = [
        migrations.AddField(
            model_name="claim",
            name="evidence",
            field=models.JSONField(
                help_text="What stored readings said of the rule of acceptance, when it was submitted.", null=True
            ),
        ),
        migrations.AddField(
            model_name="servicetask",
            name="is_offered",
            field=models.BooleanField(default=False, help_text="Whether the market was told last that it is open."),
        ),
        migrations.RunSQL(OFFERED, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="servicetask",
            index=models.Index(
                fields=["id"],
                condition=models.Q(
                    models.Q(("is_offered", True), models.Q(("state", "open"), _negated=True)),
                    models.Q(("is_offered", False), ("state", "open")),
                    _connector="OR",
                ),
                name="task_market_outdated",
            ),
        ),
    ]
