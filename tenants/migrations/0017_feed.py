from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0016_loose_ends")]

    operations = []
