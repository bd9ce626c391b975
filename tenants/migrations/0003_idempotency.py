"""Requests carried out once, with their answers, behind the wall."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.models.base
from django.db import migrations, models

from tenants.policies import Wall


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0002_wall'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=100)),
                ('fingerprint', models.CharField(max_length=64)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('tenant', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'key'), name='idempotency_key_once')],
            },
        ),
        Wall("IdempotencyKey"),
    ]
