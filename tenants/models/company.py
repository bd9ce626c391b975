from django.db import models

from tenants.models.base import TenantForeignKey, TenantModel


class Company(TenantModel):
    """A company of the organisation, above its sites. `parent` is the company that holds it; there are no rings."""

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    parent = TenantForeignKey("self", models.PROTECT, null=True, blank=True, related_name="subsidiaries")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "companies"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"],
                name="company_code_once",
                violation_error_message="This company code is taken.",
            )
        ]

    def __str__(self) -> str:
        return self.name
