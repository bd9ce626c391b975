"""A gateway knows when it was heard first, so that one which never spoke is missed too."""

from django.db import migrations, models

# Who came before this was kept counts as heard, also where another credential has taken its streams over.
HEARD = """
ALTER TABLE edge_bridge_device NO FORCE ROW LEVEL SECURITY;
ALTER TABLE edge_bridge_watermark NO FORCE ROW LEVEL SECURITY;
UPDATE edge_bridge_device d SET first_heard_at = coalesce(d.last_seen_at, d.created_at) WHERE d.last_seen_at IS NOT NULL
    OR EXISTS (SELECT FROM edge_bridge_watermark w WHERE w.device_id = d.id);
ALTER TABLE edge_bridge_device FORCE ROW LEVEL SECURITY;
ALTER TABLE edge_bridge_watermark FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0019_gaps_by_reason")]

    operations = [
        migrations.AddField(
            "device",
            "first_heard_at",
            models.DateTimeField(
                null=True, blank=True, help_text="When something that it brought was committed for the first time."
            ),
        ),
        migrations.RunSQL(HEARD, migrations.RunSQL.noop),
    ]
