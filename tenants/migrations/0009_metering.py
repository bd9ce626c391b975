"""What was used, at which rates, within which budget."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_ledger")]

    operations = []
