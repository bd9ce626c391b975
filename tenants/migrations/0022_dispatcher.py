"""A role that may be held and delegated: the dispatcher's. The columns stay as they are."""

import django.contrib.postgres.fields
from django.db import migrations, models

ROLES = ("owner", "manager", "planner", "operator", "expert", "dispatcher", "finance", "viewer", "auditor")


def held() -> models.CharField:
    return models.CharField(choices=[(role, role) for role in ROLES], max_length=20)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0021_sweep_marks")]

    operations = [
        migrations.AlterField(
            "membership", "roles", django.contrib.postgres.fields.ArrayField(base_field=held(), size=None)
        ),
        migrations.AlterField(
            "delegation", "roles", django.contrib.postgres.fields.ArrayField(base_field=held(), default=list, size=None)
        ),
    ]
