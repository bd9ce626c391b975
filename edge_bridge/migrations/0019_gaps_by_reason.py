"""Why readings are missing in a span is found by an index, however many gaps came since."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0018_counts_by_the_hour")]

    operations = [
        migrations.AddIndex("gap", models.Index(fields=["watermark", "reason", "to_at"], name="gap_by_reason")),
    ]
