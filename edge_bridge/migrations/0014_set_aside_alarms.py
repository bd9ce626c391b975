"""Alarms without a place wait for one, and say whether they still do; those of before count as settled."""

from django.db import migrations, models
from django.db.models import Q

from tenants.policies import OWN

# The wall is forced upon the owner of the tables too, hence it opens for the moment.
MARKED = """
ALTER TABLE edge_bridge_quarantine NO FORCE ROW LEVEL SECURITY;
UPDATE edge_bridge_quarantine SET waits = false WHERE entry->>'kind' = 'alarm';
ALTER TABLE edge_bridge_quarantine FORCE ROW LEVEL SECURITY;
"""


def _update_policy(condition):
    return f"ALTER POLICY wall_update ON edge_bridge_quarantine USING ({condition}) WITH CHECK ({condition})"


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0013_calls_of_rules")]

    operations = [
        migrations.AddField("quarantine", "waits", models.BooleanField(blank=True, null=True)),
        migrations.RunSQL(MARKED, migrations.RunSQL.noop),
        migrations.RunSQL(_update_policy(OWN), _update_policy("false")),
        migrations.AddIndex(
            "quarantine",
            models.Index(fields=["tenant", "-id"], condition=Q(waits__isnull=False), name="set_aside_alarms_newest"),
        ),
        migrations.AddIndex(
            "quarantine",
            models.Index(fields=["site", "received_at"], condition=Q(waits=True), name="set_aside_alarms_waiting"),
        ),
    ]
