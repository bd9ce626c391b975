from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tenants.models.base import TenantModel, new_id


class FeedHead(models.Model):
    """The end of an organisation's feed. Its row lock is held to commit, so commit order is sequence order.

    `epoch` changes only if the log itself was replaced (a restore): old cursors are then void. `rights_epoch` counts
    changes of rights; open sockets look their rights up again when it moves.
    """

    tenant = models.OneToOneField("tenants.Tenant", models.PROTECT, primary_key=True, related_name="+")
    epoch = models.UUIDField(default=new_id)
    seq = models.BigIntegerField(default=0)
    min_seq = models.BigIntegerField(default=1)
    rights_epoch = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(min_seq__gte=1, min_seq__lte=F("seq") + 1), name="feed_head_keeps_its_end"
            )
        ]


class FeedEvent(TenantModel):
    """One event in one organisation's feed; `seq` is gapless in it.

    `grant_ids` are why a partner may see it, while one of them is in force; none: it is the organisation's own.
    """

    seq = models.BigIntegerField()
    kind = models.CharField(max_length=60)
    permission = models.CharField(max_length=40)
    author = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    site_id = models.UUIDField(null=True)
    equipment_id = models.UUIDField(null=True)
    grant_ids = ArrayField(models.UUIDField(), default=list)
    body = models.JSONField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "seq"], name="feed_event_seq")]


class FeedTicket(TenantModel):
    """A single-use pass to open one websocket, since a browser can't send headers with it.

    `purpose` is what its holder stated when they asked for it.
    """

    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="+")
    secret_hash = models.CharField(max_length=64, unique=True)
    via = models.CharField(max_length=100)
    scopes = models.JSONField(null=True)
    purpose = models.CharField(max_length=40, blank=True, default="")
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class FeedReceipt(TenantModel):
    """How far a member has told us to have received the whole feed: nobody has to wonder whether an alarm arrived."""

    user = models.ForeignKey("tenants.User", models.CASCADE, related_name="+")
    epoch = models.UUIDField()
    seq = models.BigIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="feed_receipt_of_user")]
