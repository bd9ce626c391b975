"""The chain of what was decided between organisations."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0007_people")]

    operations = []
