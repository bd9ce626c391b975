"""The newest reading knows when it came: by a clock that is ahead its own time says nothing of how fresh it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0021_words_of_alarms")]

    operations = [
        migrations.AddField("latest", "received_at", models.DateTimeField(blank=True, null=True)),
    ]
