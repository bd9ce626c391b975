"""What explains and records who sees what."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0011_tree")]

    operations = []
