"""A public notice says of its task's state what the task says, whoever moves it."""

from django.db import migrations

FOLLOW = """
CREATE FUNCTION marketplace_notice_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE public.marketplace_publicnotice SET state = NEW.state WHERE tenant_id = NEW.tenant_id AND task_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER notice_follows AFTER UPDATE OF state ON marketplace_servicetask FOR EACH ROW
  WHEN (NEW.visibility = 'public' AND NEW.state <> OLD.state) EXECUTE FUNCTION marketplace_notice_follows();
"""


class Migration(migrations.Migration):
    dependencies = [("marketplace", "0009_bids")]

    operations = [migrations.RunSQL(FOLLOW, "DROP FUNCTION marketplace_notice_follows CASCADE")]
