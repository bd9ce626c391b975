"""The wall around every table of tenants, and around the few third-party tables that hold people's rows."""

from django.db import migrations

from tenants.policies import (
    DELIVER_FUNCTION,
    GRANT_FUNCTIONS,
    IDENTITY_FUNCTIONS,
    ME,
    MY_CREDENTIAL,
    MY_USER,
    OWN,
    Wall,
    closed,
)

NOBODY = "false"
COLLEAGUES = f"SELECT user_id FROM tenants_membership WHERE tenant_id = {ME}"
MY_TENANTS = f"SELECT tenant_id FROM tenants_membership WHERE user_id = {MY_USER}"
AGREEMENTS_AS_PARTNER = f"SELECT id FROM tenants_agreement WHERE partner_id = {ME}"
IN_FORCE = (
    f"grantee_id = {ME} AND during @> now() AND agreement_id IN "
    f"(SELECT id FROM tenants_agreement WHERE partner_id = {ME} AND status = 'active')"
)
GRANTED_SITE = f"SELECT content_object_id FROM tenants_sitegroupobjectpermission WHERE grantee_id = {ME}"
GRANTED_EQUIPMENT = f"SELECT content_object_id FROM tenants_equipmentgroupobjectpermission WHERE grantee_id = {ME}"
SITES_OF_GRANTED_EQUIPMENT = f"SELECT site_id FROM tenants_equipment WHERE id IN ({GRANTED_EQUIPMENT})"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0001_initial"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("guardian", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(IDENTITY_FUNCTIONS, "DROP SCHEMA wall CASCADE"),
        migrations.RunSQL(GRANT_FUNCTIONS, migrations.RunSQL.noop),
        migrations.RunSQL(DELIVER_FUNCTION, migrations.RunSQL.noop),
        Wall(
            "Tenant",
            read=f"id = {ME} OR (listed AND {ME} IS NOT NULL) OR id IN ({MY_TENANTS})",
            write=f"id = {ME}",
            insert=NOBODY,
        ),
        Wall(
            "User",
            read=f"id = {MY_USER} OR email = {MY_CREDENTIAL} OR id IN ({COLLEAGUES})",
            write=f"id = {MY_USER}",
            insert=NOBODY,
        ),
        Wall("Membership", read=f"{OWN} OR user_id = {MY_USER}"),
        Wall("ApiKey", read=f"{OWN} OR secret_hash = {MY_CREDENTIAL}", update=f"{OWN} OR secret_hash = {MY_CREDENTIAL}"),
        Wall(
            "Site",
            read=f"CASE WHEN {OWN} THEN true ELSE id = ANY (ARRAY({GRANTED_SITE})) "
            f"OR id = ANY (ARRAY({SITES_OF_GRANTED_EQUIPMENT})) END",
        ),
        Wall(
            "Equipment",
            read=f"CASE WHEN {OWN} THEN true ELSE site_id = ANY (ARRAY({GRANTED_SITE})) "
            f"OR id = ANY (ARRAY({GRANTED_EQUIPMENT})) END",
        ),
        Wall("Agreement", read=f"{OWN} OR (partner_id = {ME} AND status <> 'draft')"),
        Wall("Clause", read=f"{OWN} OR agreement_id IN ({AGREEMENTS_AS_PARTNER})"),
        Wall("SiteGroupObjectPermission", read=f"{OWN} OR ({IN_FORCE})"),
        Wall("EquipmentGroupObjectPermission", read=f"{OWN} OR ({IN_FORCE})"),
        Wall("FeedHead"),
        Wall(
            "FeedEvent",
            read=f"{OWN} AND (grant_id IS NULL OR grant_id = ANY (ARRAY(SELECT wall.live_grants())))",
        ),
        Wall("FeedTicket", read=f"{OWN} OR secret_hash = {MY_CREDENTIAL}", update=f"{OWN} OR secret_hash = {MY_CREDENTIAL}"),
        Wall("PlatformAccess", read=NOBODY, write=NOBODY),
        closed("tenants_user_groups", f"user_id = {MY_USER} OR user_id IN ({COLLEAGUES})", f"user_id IN ({COLLEAGUES})"),
        closed("tenants_user_user_permissions", f"user_id = {MY_USER}", NOBODY),
        closed("django_admin_log", f"user_id = {MY_USER}", f"user_id = {MY_USER}"),
        closed("guardian_userobjectpermission", NOBODY, NOBODY),
        closed("guardian_groupobjectpermission", NOBODY, NOBODY),
    ]
