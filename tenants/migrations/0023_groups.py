"""Groups of companies: which one an organisation belongs to is said by the platform alone."""

from django.db import migrations, models

# `group_of` is a plain function, not SECURITY DEFINER: it looks in the name of the organisation that it is asked about.
GROUPS = """
CREATE FUNCTION wall.group_of(organisation uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  me text := current_setting('app.tenant', true);
  found text;
BEGIN
  PERFORM set_config('app.tenant', organisation::text, true);
  SELECT group_name INTO found FROM public.tenants_tenant WHERE id = organisation;
  PERFORM set_config('app.tenant', coalesce(me, ''), true);
  RETURN coalesce(found, '');
END $$;

CREATE FUNCTION tenants_guard_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF wall.tenant() IS NOT NULL THEN
    RAISE EXCEPTION 'only the platform says which group an organisation belongs to' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_group BEFORE UPDATE OF group_name ON tenants_tenant FOR EACH ROW
  WHEN (NEW.group_name IS DISTINCT FROM OLD.group_name) EXECUTE FUNCTION tenants_guard_group();
"""
NO_GROUPS = "DROP FUNCTION tenants_guard_group CASCADE; DROP FUNCTION wall.group_of(uuid);"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0022_dispatcher")]

    operations = [
        migrations.AddField(
            "tenant",
            "group_name",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The group of companies that it belongs to, if any.",
                max_length=200,
            ),
        ),
        migrations.RunSQL(GROUPS, NO_GROUPS),
    ]
