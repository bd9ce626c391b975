"""Batches of what analysers measured are told from those of a laboratory."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("optimization", "0005_who_is_seated")]

    operations = [migrations.AddField("samplebatch", "is_telemetry", models.BooleanField(default=False))]
