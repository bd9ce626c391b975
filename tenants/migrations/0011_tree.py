"""Companies, sites and their processes; keeping and deleting."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0010_resources")]

    operations = []
