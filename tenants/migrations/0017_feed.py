"""Webhooks with the log of what they were sent, and how far members have received the feed."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

import tenants.models.base
from tenants.policies import DELIVER_BY_GRANTS_FUNCTION, DELIVER_TOGETHER_FUNCTION, Wall

# What was taken is never sent again as if it were new, unless the log itself is another one.
CURSOR = """
CREATE FUNCTION tenants_guard_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.epoch = OLD.epoch AND NEW.cursor < OLD.cursor THEN
    RAISE EXCEPTION 'the cursor of a webhook never goes back' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_webhook BEFORE UPDATE OF epoch, cursor ON tenants_webhook
  FOR EACH ROW EXECUTE FUNCTION tenants_guard_webhook();
"""
NO_CURSOR = "DROP TRIGGER guard_webhook ON tenants_webhook; DROP FUNCTION tenants_guard_webhook();"

# Who is told what happens at a place. In a function, since its plan is kept: it is asked by whatever is announced.
GRANTEES = """
CREATE FUNCTION wall.grantees(asked jsonb) RETURNS TABLE (n integer, grantee uuid, grant_id uuid, mask text[])
LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT q.n, g.grantee_id, g.id, g.field_mask::text[]
      FROM jsonb_to_recordset(asked) AS q(n integer, permission text, site uuid, equipment uuid)
      CROSS JOIN LATERAL (
        SELECT s.grantee_id, s.id, s.field_mask, s.permission_id, s.agreement_id
          FROM public.tenants_sitegroupobjectpermission s
         WHERE s.content_object_id = q.site AND s.during @> statement_timestamp() AND s.delay_s = 0 AND s.floor_n = 0
        UNION ALL
        SELECT e.grantee_id, e.id, e.field_mask, e.permission_id, e.agreement_id
          FROM public.tenants_equipmentgroupobjectpermission e
         WHERE e.content_object_id = q.equipment AND e.during @> statement_timestamp() AND e.delay_s = 0
           AND e.floor_n = 0) AS g
      JOIN public.auth_permission p ON p.id = g.permission_id AND p.codename = q.permission
      JOIN public.tenants_agreement a ON a.id = g.agreement_id AND a.status = 'active'
       AND (a.ends_at IS NULL OR a.ends_at > statement_timestamp());
END $$;
"""


def key() -> tuple[str, models.Field]:
    return (
        "id",
        models.UUIDField(default=tenants.models.base.new_id, editable=False, primary_key=True, serialize=False),
    )


def tenant() -> tuple[str, models.Field]:
    return (
        "tenant",
        models.ForeignKey(
            db_index=False,
            editable=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to="tenants.tenant",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0016_loose_ends")]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                key(),
                ("name", models.CharField(max_length=100)),
                ("url", models.CharField(max_length=500)),
                ("filter", models.JSONField(null=True)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), null=True, size=None
                    ),
                ),
                ("purpose", models.CharField(blank=True, default="", max_length=40)),
                ("secret", models.TextField()),
                ("previous_secret", models.TextField(blank=True, default="")),
                ("previous_until", models.DateTimeField(null=True)),
                ("epoch", models.UUIDField()),
                ("cursor", models.BigIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("disabled", "Disabled")], default="active", max_length=10
                    ),
                ),
                ("disabled_because", models.CharField(blank=True, default="", max_length=200)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("failing_since", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(db_default=Now())),
                ("delivered_at", models.DateTimeField(null=True)),
                ("test_asked_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(db_default=Now())),
                tenant(),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["due_at"], name="webhook_due")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("previous_secret", ""), ("previous_until", None))
                        | models.Q(
                            models.Q(("previous_secret", ""), _negated=True),
                            models.Q(("previous_until", None), _negated=True),
                        ),
                        name="webhook_previous_secret_ends",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("attempts", 0), ("failing_since", None))
                        | models.Q(("attempts__gt", 0), models.Q(("failing_since", None), _negated=True)),
                        name="webhook_failing_since_its_first_failure",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                key(),
                ("message_id", models.CharField(max_length=60)),
                ("seq", models.BigIntegerField(null=True)),
                ("kind", models.CharField(max_length=60)),
                ("attempt", models.PositiveIntegerField()),
                ("answer", models.PositiveSmallIntegerField(null=True)),
                ("is_taken", models.BooleanField()),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("took_ms", models.PositiveIntegerField()),
                ("sent_at", models.DateTimeField(db_default=Now())),
                tenant(),
                (
                    "webhook",
                    tenants.models.base.TenantForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="tenants.webhook"
                    ),
                ),
            ],
            options={"indexes": [models.Index(fields=["webhook", "-id"], name="webhook_delivery_newest")]},
        ),
        migrations.CreateModel(
            name="FeedReceipt",
            fields=[
                key(),
                ("epoch", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("received_at", models.DateTimeField()),
                tenant(),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=["tenant", "user"], name="feed_receipt_of_user")]},
        ),
        migrations.AddConstraint(
            model_name="feedhead",
            constraint=models.CheckConstraint(
                condition=models.Q(("min_seq__gte", 1), ("min_seq__lte", models.F("seq") + 1)),
                name="feed_head_keeps_its_end",
            ),
        ),
        Wall("Webhook"),
        Wall("WebhookDelivery"),
        Wall("FeedReceipt"),
        migrations.RunSQL(CURSOR, NO_CURSOR),
        migrations.RunSQL(DELIVER_TOGETHER_FUNCTION, DELIVER_BY_GRANTS_FUNCTION),
        migrations.RunSQL(GRANTEES, "DROP FUNCTION wall.grantees(jsonb)"),
    ]
