"""Who spoke for what is not theirs may name other sites: it stands with the gateway, which partners do not see."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0022_latest_received_at")]

    operations = [
        migrations.AddField(
            "device",
            "trespass",
            models.CharField(
                max_length=500,
                blank=True,
                default="",
                help_text="Which terminals spoke for what is not theirs, as last told; for the owner alone.",
            ),
        ),
    ]
