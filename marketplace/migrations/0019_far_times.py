"""Bidding ends before 2200: what is later can't be shown in every zone, nor can days be added to it."""

from datetime import UTC, datetime

from django.db import migrations, models

# Of published tasks, too: the owner's ledger keeps what was published, and nobody can bid on them any more.
DRAWN_NEAR = """
ALTER TABLE marketplace_servicetask NO FORCE ROW LEVEL SECURITY;
ALTER TABLE marketplace_servicetask DISABLE TRIGGER guard_task;
UPDATE marketplace_servicetask SET bids_until = '2199-12-31T00:00:00Z' WHERE bids_until >= '2200-01-01T00:00:00Z';
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE marketplace_servicetask ENABLE TRIGGER guard_task;
ALTER TABLE marketplace_servicetask FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0018_answers_on_notices")]

    operations = [
        migrations.RunSQL(DRAWN_NEAR, migrations.RunSQL.noop),
        migrations.AddConstraint(
            "servicetask",
            models.CheckConstraint(
                condition=models.Q(bids_until__lt=datetime(2200, 1, 1, tzinfo=UTC)), name="task_deadline_bounded"
            ),
        ),
    ]
