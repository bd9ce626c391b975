"""What the two administrations show of the marketplace."""

from django.db.models import QuerySet
from django.http import HttpRequest

import marketplace.contracts.admin  # noqa: F401
from marketplace.models import (
    Assignment,
    Bid,
    BidScore,
    BidVersion,
    CalendarAddress,
    Claim,
    Complaint,
    Expert,
    Opener,
    Opening,
    Profile,
    PublicNotice,
    Reaction,
    ReactionSwitch,
    ServiceTask,
    TaskAsker,
    TaskAttachment,
    TaskInvitation,
    TaskNeed,
    TaskQuestion,
    Watch,
)
from tenants.admin_sites import ReadOnly, show


class ServiceTaskAdmin(ReadOnly):
    list_display = ("title", "category", "state", "equipment", "fee_minor", "currency", "published_at")
    list_filter = ("state", "category")
    search_fields = ("title",)


class ClaimAdmin(ReadOnly):
    list_display = ("task", "firm_name", "state", "token", "claimed_at", "lease_until", "ended_at")
    list_filter = ("state",)


class ReactionSwitchAdmin(ReadOnly):
    list_display = ("reaction", "is_on", "site", "set_by", "set_at", "through")
    list_filter = ("reaction", "is_on")


class ReactionAdmin(ReadOnly):
    list_display = ("reaction", "outcome", "task", "words", "happened_at", "reacted_at")
    list_filter = ("reaction", "outcome")


class TaskAttachmentAdmin(ReadOnly):
    list_display = ("task", "name", "media_type", "size_bytes", "added_at")
    exclude = ("content",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskAttachment]:
        return super().get_queryset(request).defer("content")


class TaskQuestionAdmin(ReadOnly):
    list_display = ("task", "text", "asked_at", "answered_at")


class TaskAskerAdmin(ReadOnly):
    list_display = ("question", "firm_name")


class TaskInvitationAdmin(ReadOnly):
    list_display = ("task", "firm")


class PublicNoticeAdmin(ReadOnly):
    list_display = ("task", "state", "published_at")
    list_filter = ("state",)


class ProfileAdmin(ReadOnly):
    list_display = ("firm_name", "visibility", "categories", "regions", "updated_at")
    list_filter = ("visibility",)
    search_fields = ("firm_name",)


class ExpertAdmin(ReadOnly):
    list_display = ("shown_name", "levels", "published_at")


class TaskNeedAdmin(ReadOnly):
    list_display = ("task", "skill", "level", "certificate", "people_n")
    list_select_related = ("task",)


class AssignmentAdmin(ReadOnly):
    list_display = ("task", "person_name", "from_at", "to_at", "released_at", "release_reason")
    list_select_related = ("task",)


class WatchAdmin(ReadOnly):
    list_display = ("task", "stand", "is_kept", "checked_at", "told_at")
    list_filter = ("stand",)


class CalendarAddressAdmin(ReadOnly):
    list_display = ("user", "created_at", "revoked_at")
    exclude = ("secret_hash",)
    list_select_related = ("user",)


show(
    {
        ServiceTask: ServiceTaskAdmin,
        Claim: ClaimAdmin,
        ReactionSwitch: ReactionSwitchAdmin,
        Reaction: ReactionAdmin,
        TaskInvitation: TaskInvitationAdmin,
        TaskAttachment: TaskAttachmentAdmin,
        TaskQuestion: TaskQuestionAdmin,
        TaskAsker: TaskAskerAdmin,
        PublicNotice: PublicNoticeAdmin,
        Profile: ProfileAdmin,
        Expert: ExpertAdmin,
        TaskNeed: TaskNeedAdmin,
        Assignment: AssignmentAdmin,
        CalendarAddress: CalendarAddressAdmin,
        Watch: WatchAdmin,
    }
)


class BidAdmin(ReadOnly):
    list_display = ("task", "firm_name", "state", "number", "created_at", "decided_at")
    list_filter = ("state",)


class BidVersionAdmin(ReadOnly):
    list_display = ("bid", "number", "submitted_at", "commitment", "fault")


class BidScoreAdmin(ReadOnly):
    list_display = ("bid", "criterion", "points")


class ComplaintAdmin(ReadOnly):
    list_display = ("task", "bid", "state", "made_at", "decided_at")
    list_filter = ("state",)


class OpenerAdmin(ReadOnly):
    list_display = ("task", "user_name", "registered_at")


class OpeningAdmin(ReadOnly):
    list_display = ("task", "opener", "opened_at")


BIDDING = {
    Bid: BidAdmin,
    BidVersion: BidVersionAdmin,
    BidScore: BidScoreAdmin,
    Complaint: ComplaintAdmin,
    Opener: OpenerAdmin,
    Opening: OpeningAdmin,
}
show(BIDDING)
