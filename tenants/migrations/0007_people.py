"""People and programs: invitations, service accounts, keys that replace one another, and walls around the tables of
the packages that keep second factors, sessions, single sign-on and failed sign-ins."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants.policies import ME, MY_CREDENTIAL, MY_USER, OWN, SIGN_IN, Wall, closed
from tenants.roles import ROLES

NOBODY = "false"
MINE = f"user_id = {MY_USER}"
PRESENTED = f"token_hash = {MY_CREDENTIAL}"
OPEN = "accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now()"
INVITED = f"SELECT email FROM tenants_invitation WHERE {PRESENTED} AND {OPEN}"
INVITING = f"SELECT tenant_id FROM tenants_invitation WHERE {PRESENTED}"
COLLEAGUES = f"SELECT user_id FROM tenants_membership WHERE tenant_id = {ME}"
MY_TENANTS = f"SELECT tenant_id FROM tenants_membership WHERE user_id = {MY_USER}"
PLAIN = "NOT is_staff AND NOT is_superuser"
OUR_PROGRAM = f"service_of_id = {ME}"
SIGNING_IN = f"{MY_CREDENTIAL} = '{SIGN_IN}'"

POLICIES = f"""
ALTER POLICY wall_select ON tenants_tenant
  USING (id = {ME} OR (listed AND {ME} IS NOT NULL) OR id IN ({MY_TENANTS}) OR id IN ({INVITING}));
ALTER POLICY wall_select ON tenants_user
  USING (id = {MY_USER} OR email = {MY_CREDENTIAL} OR id IN ({COLLEAGUES}) OR {OUR_PROGRAM});
ALTER POLICY wall_insert ON tenants_user
  WITH CHECK ({PLAIN} AND ({OUR_PROGRAM} OR service_of_id IS NULL AND email IN ({INVITED})));
ALTER POLICY wall_update ON tenants_user
  USING (id = {MY_USER} OR {OUR_PROGRAM}) WITH CHECK (id = {MY_USER} OR {OUR_PROGRAM});
ALTER TABLE tenants_apikey ADD CONSTRAINT tenants_apikey_replaces_id_wall
  FOREIGN KEY (tenant_id, replaces_id) REFERENCES tenants_apikey (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
# `row_security_active` is false only for a role that passes the wall, which is operator code.
NO_PROMOTION = """
CREATE FUNCTION tenants_refuse_promotion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF row_security_active('public.tenants_user') THEN
    RAISE EXCEPTION 'Only operator code makes an operator, or turns a person into a program.'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER user_is_not_promoted BEFORE UPDATE ON tenants_user FOR EACH ROW
  WHEN ((OLD.is_staff, OLD.is_superuser, OLD.service_of_id) IS DISTINCT FROM
        (NEW.is_staff, NEW.is_superuser, NEW.service_of_id))
  EXECUTE FUNCTION tenants_refuse_promotion();
"""
# How tickets and audit rows name a session, so that an open socket can be held to its session without the secret key.
SESSION_NAMES = """
CREATE FUNCTION wall.session_name(session_key text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT substr(encode(sha256(session_key::bytea), 'hex'), 1, 12) $$;
CREATE INDEX session_by_name ON django_session (wall.session_name(session_key));
"""
UNNAMED = "DROP INDEX session_by_name; DROP FUNCTION wall.session_name"


def to_user(**options: object) -> models.ForeignKey:
    return models.ForeignKey(
        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL, **options
    )


def row_of_tenant() -> list[tuple[str, models.Field]]:
    tenant = models.ForeignKey(
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="tenants.tenant",
    )
    key = models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False)
    return [("id", key), ("tenant", tenant)]


INVITATION = [
    *row_of_tenant(),
    ("email", models.EmailField(max_length=254)),
    (
        "roles",
        django.contrib.postgres.fields.ArrayField(
            base_field=models.CharField(choices=[(role, role) for role in ROLES], max_length=20), size=None
        ),
    ),
    ("token_hash", models.CharField(max_length=64, unique=True)),
    ("invited_by", to_user()),
    ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
    ("expires_at", models.DateTimeField()),
    ("accepted_at", models.DateTimeField(null=True)),
    ("accepted_by", to_user()),
    ("revoked_at", models.DateTimeField(null=True)),
]
SERVICE_ACCOUNT = [
    *row_of_tenant(),
    (
        "user",
        models.OneToOneField(
            on_delete=django.db.models.deletion.PROTECT, related_name="service_account", to=settings.AUTH_USER_MODEL
        ),
    ),
    (
        "purpose",
        models.CharField(blank=True, help_text="What the program does, for who audits it.", max_length=200),
    ),
    ("created_by", to_user()),
    ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
    ("retired_at", models.DateTimeField(null=True)),
]


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_agreements_wall"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("axes", "0010_accessattemptexpiration"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.AddField("apikey", "made_by", to_user(blank=True)),
        migrations.AddField(
            "apikey",
            "replaces",
            tenants.models.base.TenantForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="tenants.apikey",
            ),
        ),
        migrations.AddConstraint(
            "apikey",
            models.UniqueConstraint(
                fields=("tenant", "replaces"),
                name="api_key_replaced_once",
                violation_error_message="This key is replaced already; look for the newer one.",
            ),
        ),
        migrations.AddField(
            "user",
            "service_of",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tenants.tenant",
            ),
        ),
        migrations.CreateModel("ServiceAccount", SERVICE_ACCOUNT, {"abstract": False}),
        migrations.CreateModel(
            "Invitation",
            INVITATION,
            {
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None)),
                        fields=("tenant", "email"),
                        name="invitation_open_once",
                        violation_error_message=(
                            "This person is being invited just now; look at the open invitations."
                        ),
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("accepted_at", None), ("revoked_at", None), _connector="OR"),
                        name="invitation_accepted_or_revoked",
                    ),
                ]
            },
        ),
        Wall("ServiceAccount"),
        Wall("Invitation", read=f"{OWN} OR {PRESENTED}"),
        migrations.RunSQL(POLICIES, migrations.RunSQL.noop),
        migrations.RunSQL(NO_PROMOTION, "DROP FUNCTION tenants_refuse_promotion CASCADE"),
        migrations.RunSQL(SESSION_NAMES, UNNAMED),
        closed("account_emailaddress", f"{MINE} OR email = {MY_CREDENTIAL}", MINE),
        closed("account_emailconfirmation", NOBODY, NOBODY),
        closed("mfa_authenticator", MINE, MINE),
        closed("socialaccount_socialapp", NOBODY, NOBODY),
        closed("socialaccount_socialaccount", f"{MINE} OR uid = {MY_CREDENTIAL}", MINE),
        closed("socialaccount_socialtoken", NOBODY, NOBODY),
        closed("usersessions_usersession", MINE, MINE),
        closed("axes_accessattempt", SIGNING_IN, SIGNING_IN),
        closed("axes_accessattemptexpiration", SIGNING_IN, SIGNING_IN),
        closed("axes_accessfailurelog", SIGNING_IN, SIGNING_IN),
        closed("axes_accesslog", SIGNING_IN, SIGNING_IN),
    ]
