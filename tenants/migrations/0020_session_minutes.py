"""The minutes of remote sessions are counted, too."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0019_offers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='rate',
            name='meter',
            field=models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted'), ('session_minutes', 'Remote sessions')], max_length=20),
        ),
        migrations.AlterField(
            model_name='usageevent',
            name='meter',
            field=models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted'), ('session_minutes', 'Remote sessions')], max_length=20),
        ),
        migrations.AlterField(
            model_name='usagehour',
            name='meter',
            field=models.CharField(choices=[('readings_stored', 'Readings stored'), ('feed_deliveries', 'Feed deliveries'), ('solver_seconds', 'Solver time'), ('shared_reads', "Partners' rows read"), ('accepted_tasks', 'Service tasks accepted'), ('session_minutes', 'Remote sessions')], max_length=20),
        ),
    ]
