"""What each stream of a gateway brings is counted by the hour, and by how much its clock is wrong is kept."""

import django.db.models.deletion
from django.db import migrations, models

import tenants.ids
import tenants.models.base
from tenants.policies import Wall

COUNTED = ("sent", "stored", "quarantined", "filtered", "thinned", "refused", "lost", "produced")
PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0017_switched_at"), ("tenants", "0022_dispatcher")]

    operations = [
        migrations.AddField(
            "watermark",
            "ahead_s",
            models.FloatField(
                null=True, blank=True, help_text="By how much its clock was before ours, at the last."
            ),
        ),
        migrations.CreateModel(
            name="StreamHour",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tenants.ids.new_id, editable=False, primary_key=True, serialize=False),
                ),
                ("begins_at", models.DateTimeField()),
                *((name, models.BigIntegerField(default=0)) for name in COUNTED),
                ("off_by", models.BigIntegerField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        "tenants.Tenant", PROTECT, db_index=False, editable=False, related_name="+"
                    ),
                ),
                (
                    "watermark",
                    tenants.models.base.TenantForeignKey(
                        "edge_bridge.Watermark", PROTECT, db_index=False, related_name="hours"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["tenant", "begins_at"], name="stream_hour_oldest")],
                "constraints": [
                    models.UniqueConstraint(fields=["tenant", "watermark", "begins_at"], name="stream_hour_once")
                ],
            },
        ),
        Wall("StreamHour"),
    ]
