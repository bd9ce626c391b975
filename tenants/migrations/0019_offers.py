"""An agreement that follows from an offer is written in one statement, and so are the grants of any agreement."""

from django.db import migrations

COLUMNS = """id, tenant_id, grantee_id, agreement_id, clause_id, during, purpose, field_mask, delay_s, floor_n,
     content_object_id"""


def grants_on(place: str) -> str:
    """Group and permission are looked up by their names."""
    return f"""
  INSERT INTO public.tenants_{place}groupobjectpermission ({COLUMNS}, group_id, permission_id)
    SELECT {", ".join(f"g.{name.strip()}" for name in COLUMNS.split(","))}, partners.id, p.id
      FROM jsonb_to_recordset(grants) AS g(
             id uuid, tenant_id uuid, grantee_id uuid, agreement_id uuid, clause_id uuid, during tstzrange, purpose text,
             field_mask text[], delay_s integer, floor_n integer, content_object_id uuid, place text, permission text)
      JOIN public.auth_group partners ON partners.name = g.grantee_id::text
      JOIN public.django_content_type t ON t.app_label = 'tenants' AND t.model = g.place
      JOIN public.auth_permission p ON p.content_type_id = t.id AND p.codename = g.permission
     WHERE g.place = '{place}';
  GET DIAGNOSTICS made = ROW_COUNT;
  written := written + made;"""


# Plain functions, not SECURITY DEFINER: what they write is held against the policies and the guards of its tables.
FUNCTIONS = f"""
CREATE FUNCTION wall.write_grants(grants jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  made integer;
  written integer := 0;
BEGIN
{grants_on("site")}
{grants_on("equipment")}
  RETURN written;
END $$;

-- As a draft with its version, clauses and signatures first, since that is what its guards ask for.
CREATE FUNCTION wall.agree(offer jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  now_ jsonb := jsonb_build_object('created_at', statement_timestamp(), 'signed_at', statement_timestamp());
BEGIN
  INSERT INTO public.tenants_agreement
    SELECT * FROM jsonb_populate_record(NULL::public.tenants_agreement, offer -> 'agreement');
  INSERT INTO public.tenants_agreementversion
    SELECT * FROM jsonb_populate_record(NULL::public.tenants_agreementversion, offer -> 'version' || now_);
  INSERT INTO public.tenants_clause
    SELECT * FROM jsonb_populate_recordset(NULL::public.tenants_clause, offer -> 'clauses');
  INSERT INTO public.tenants_signature
    SELECT made.* FROM jsonb_array_elements(offer -> 'signatures') AS s,
           jsonb_populate_record(NULL::public.tenants_signature, s.value || now_) AS made;
  UPDATE public.tenants_agreement AS a
     SET status = offer ->> 'status', activated_at = (offer ->> 'at')::timestamptz, offered_at = (offer ->> 'at')::timestamptz
   WHERE a.id = (offer -> 'agreement' ->> 'id')::uuid;
  RETURN wall.write_grants(offer -> 'grants');
END $$;
"""
NO_FUNCTIONS = "DROP FUNCTION wall.agree(jsonb); DROP FUNCTION wall.write_grants(jsonb)"


class Migration(migrations.Migration):
    dependencies = [("tenants", "0018_places_of_work")]

    operations = [migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS)]
