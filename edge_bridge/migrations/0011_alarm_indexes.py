"""An alarm's site, equipment and flood are found by the indexes that begin with them: each write keeps three fewer."""

import django.db.models.deletion
from django.db import migrations

import tenants.models.base


def _reference(to, **options):
    protect = django.db.models.deletion.PROTECT
    return tenants.models.base.TenantForeignKey(to=to, on_delete=protect, db_index=False, **options)


OPTIONAL = {"null": True, "blank": True}


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0010_rules")]

    operations = [
        migrations.AlterField("alarm", "site", _reference("tenants.site", related_name="+")),
        migrations.AlterField("alarm", "equipment", _reference("tenants.equipment", related_name="alarms", **OPTIONAL)),
        migrations.AlterField(
            "alarm", "folded_into", _reference("edge_bridge.alarm", related_name="folded", **OPTIONAL)
        ),
    ]
