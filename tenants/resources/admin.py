"""What the two administrations show of people and stock: rows to look at, since what changes them has rules."""

from tenants import models
from tenants.admin_sites import ReadOnly, show


class PersonAdmin(ReadOnly):
    list_display = ("code", "name", "home_site", "left_on", "erased_at")
    search_fields = ("code", "name", "email", "home_site__code")
    list_select_related = ("home_site",)


class SkillAdmin(ReadOnly):
    list_display = ("code", "name")
    search_fields = ("code", "name")


class PersonSkillAdmin(ReadOnly):
    list_display = ("person", "skill", "level", "assessed_on", "assessor")
    list_filter = ("level",)
    search_fields = ("person__code", "skill__code")
    list_select_related = ("person", "skill")


class CertificateAdmin(ReadOnly):
    list_display = ("person", "kind", "number", "issuer", "issued_on", "expires_on")
    list_filter = ("kind",)
    search_fields = ("number", "person__code", "person__name")
    list_select_related = ("person",)


class TrainingAdmin(ReadOnly):
    list_display = ("person", "course", "completed_on", "expires_on")
    search_fields = ("course", "person__code", "person__name")
    list_select_related = ("person",)


class RequirementAdmin(ReadOnly):
    list_display = ("site", "skill", "level", "n_people", "certificates")
    search_fields = ("site__code", "skill__code")
    list_select_related = ("site", "skill")


class MaterialAdmin(ReadOnly):
    list_display = ("code", "name", "unit")
    search_fields = ("code", "name")


class StockLevelAdmin(ReadOnly):
    list_display = ("site", "material", "quantity")
    search_fields = ("site__code", "material__code", "material__name")
    list_select_related = ("site", "material")


class StockMoveAdmin(ReadOnly):
    list_display = ("site", "material", "kind", "quantity", "balance", "reason", "reference", "moved_by", "moved_at")
    list_filter = ("kind",)
    search_fields = ("site__code", "material__code", "reference", "reason")
    list_select_related = ("site", "material", "moved_by")


class BookingAdmin(ReadOnly):
    list_display = ("person", "equipment", "site", "during", "purpose", "reference", "cancelled_at")
    search_fields = ("purpose", "reference", "person__code", "equipment__code", "site__code")
    list_select_related = ("person", "equipment", "site")


class RelocationAdmin(ReadOnly):
    list_display = ("person", "equipment", "from_site", "to_site", "reason", "moved_by", "moved_at")
    search_fields = ("person__code", "equipment__code", "from_site__code", "to_site__code")
    list_select_related = ("person", "equipment", "from_site", "to_site", "moved_by")


show(
    {
        models.Person: PersonAdmin,
        models.Skill: SkillAdmin,
        models.PersonSkill: PersonSkillAdmin,
        models.Certificate: CertificateAdmin,
        models.Training: TrainingAdmin,
        models.SiteRequirement: RequirementAdmin,
        models.Material: MaterialAdmin,
        models.StockLevel: StockLevelAdmin,
        models.StockMove: StockMoveAdmin,
        models.Booking: BookingAdmin,
        models.Relocation: RelocationAdmin,
    }
)
