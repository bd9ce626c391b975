"""Who may send for a site."""

from django.db import models

from edge_bridge.protocol import MAX_TEXT_CHARS
from tenants.api import TenantForeignKey, TenantModel


class Device(TenantModel):
    """A gateway's credential for one site. Only the hash of the secret is kept."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    first_heard_at = models.DateTimeField(
        null=True, blank=True, help_text="When something that it brought was committed for the first time."
    )
    silent_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when its silence is an alarm; null again with its next batch."
    )
    trespass = models.CharField(
        max_length=MAX_TEXT_CHARS,
        blank=True,
        default="",
        help_text="Which terminals spoke for what is not theirs, as last told; for the owner alone.",
    )

    def __str__(self) -> str:
        return self.name
