from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("edge_bridge", "0010_commands")]

    operations = []
