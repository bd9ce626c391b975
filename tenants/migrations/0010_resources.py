"""People's skills, equipment and stock, and their bookings."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_metering")]

    operations = []
