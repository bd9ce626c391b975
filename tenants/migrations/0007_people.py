"""People and programs: invitations, second factors, sessions, service accounts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_agreements_wall")]

    operations = []
