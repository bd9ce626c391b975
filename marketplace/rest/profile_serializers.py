"""Shapes of profiles, needs and matches over HTTP. They parse; `marketplace.profiles.data` decides."""

from typing import Any

from rest_framework import serializers

from marketplace.data import CATEGORIES, FEE_MINOR
from marketplace.models import Expert, Profile, Reference, TaskNeed
from marketplace.profiles.data import (
    ABOUT_CHARS,
    KIND_CHARS,
    MOST_LINES,
    MOST_NEEDS,
    MOST_PEOPLE,
    NAME_CHARS,
    RATE_UNITS,
    VISIBILITIES,
    Machines,
    NeedTerms,
    Paper,
    ProfileTerms,
    RateLine,
)
from marketplace.rest.serializers import ServiceTaskSerializer
from tenants.resources.api import LEVELS


class RateLineSerializer(serializers.Serializer[Any]):
    category = serializers.ChoiceField(list(CATEGORIES.items()))
    unit = serializers.ChoiceField(list(RATE_UNITS.items()))
    amount_minor = serializers.IntegerField(min_value=1, max_value=FEE_MINOR)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z")


class MachinesSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(max_length=KIND_CHARS)
    n = serializers.IntegerField(min_value=1, max_value=100_000)


class PaperSerializer(serializers.Serializer[Any]):
    """A certificate, valid on each day from `issued_on` to `expires_on`, for ever without one."""

    kind = serializers.CharField(max_length=KIND_CHARS)
    issuer = serializers.CharField(max_length=NAME_CHARS, allow_blank=True, default="")
    issued_on = serializers.DateField()
    expires_on = serializers.DateField(allow_null=True, default=None)


class ProfileTermsSerializer(serializers.Serializer[Any]):
    about = serializers.CharField(max_length=ABOUT_CHARS, allow_blank=True, default="")
    visibility = serializers.ChoiceField(list(VISIBILITIES.items()), default="hidden")
    categories = serializers.ListField(
        child=serializers.ChoiceField(list(CATEGORIES.items())), max_length=len(CATEGORIES), default=list
    )
    regions = serializers.ListField(
        child=serializers.RegexField(r"^[A-Z]{2}\Z"), max_length=300, default=list, help_text="ISO 3166-1 alpha-2."
    )
    rates = RateLineSerializer(many=True, default=list, max_length=MOST_LINES)
    machines = MachinesSerializer(many=True, default=list, max_length=MOST_LINES)
    certificates = PaperSerializer(many=True, default=list, max_length=MOST_LINES)

    def terms(self) -> ProfileTerms:
        said = self.validated_data
        return ProfileTerms(
            about=said["about"],
            visibility=said["visibility"],
            categories=tuple(said["categories"]),
            regions=tuple(said["regions"]),
            rates=tuple(RateLine(**line) for line in said["rates"]),
            machines=tuple(Machines(**line) for line in said["machines"]),
            certificates=tuple(Paper(**paper) for paper in said["certificates"]),
        )


class ProfileSerializer(serializers.ModelSerializer[Profile]):
    """`stars`: the mean of the `ratings_n` ratings by buyers, from 1 to 5; null without any. `group_name`: the group of
    companies that the firm is listed in, as operators of the platform say; your sisters can't work for you here."""

    firm = serializers.UUIDField(source="tenant_id")
    rates = RateLineSerializer(many=True)
    machines = MachinesSerializer(many=True)
    certificates = PaperSerializer(many=True)
    stars = serializers.FloatField(allow_null=True)
    ratings_n = serializers.IntegerField()
    group_name = serializers.CharField()
    is_sister = serializers.BooleanField()

    class Meta:
        model = Profile
        fields = [
            *["id", "firm", "firm_name", "about", "visibility", "categories", "regions", "rates", "machines"],
            *["certificates", "version", "updated_at", "stars", "ratings_n", "group_name", "is_sister"],
        ]


class ExpertSerializer(serializers.ModelSerializer[Expert]):
    """`levels`: level (1 to 5) by code of a skill; `shown_name` is empty where the firm keeps the name back."""

    levels = serializers.DictField(child=serializers.IntegerField())
    papers = PaperSerializer(many=True)

    class Meta:
        model = Expert
        fields = ["id", "shown_name", "levels", "papers", "published_at"]


class ReferenceSerializer(serializers.ModelSerializer[Reference]):
    """What a buyer said after a contract; `buyer_name` is empty unless the buyer agreed to be named."""

    class Meta:
        model = Reference
        fields = ["id", "category", "stars", "words", "buyer_name", "shown_at"]


class ProfileDetailSerializer(ProfileSerializer):
    experts = ExpertSerializer(many=True)
    references = ReferenceSerializer(many=True)

    class Meta(ProfileSerializer.Meta):
        fields = [*ProfileSerializer.Meta.fields, "experts", "references"]


class OwnExpertSerializer(ExpertSerializer):
    person = serializers.UUIDField(source="person_id")

    class Meta(ExpertSerializer.Meta):
        fields = [*ExpertSerializer.Meta.fields, "person"]


class PublishExpertSerializer(serializers.Serializer[Any]):
    person = serializers.UUIDField()
    shows_name = serializers.BooleanField(default=False)


class NeedSerializer(serializers.ModelSerializer[TaskNeed]):
    """Name a skill, a kind of certificate, or both, by their codes."""

    skill = serializers.CharField(max_length=KIND_CHARS, allow_blank=True, default="")
    level = serializers.IntegerField(min_value=min(LEVELS), max_value=max(LEVELS), default=1)
    certificate = serializers.CharField(max_length=KIND_CHARS, allow_blank=True, default="")
    people_n = serializers.IntegerField(min_value=1, max_value=MOST_PEOPLE, default=1)

    class Meta:
        model = TaskNeed
        fields = ["id", "skill", "level", "certificate", "people_n"]


class NeedsSerializer(serializers.Serializer[Any]):
    needs = NeedSerializer(many=True, max_length=MOST_NEEDS)

    def terms(self) -> tuple[NeedTerms, ...]:
        return tuple(NeedTerms(**need) for need in self.validated_data["needs"])


class FitReasonSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    points = serializers.FloatField()
    of = serializers.IntegerField()
    words = serializers.CharField()


class FitSerializer(serializers.Serializer[Any]):
    """`score` from 0 to 100: the share of the points of `reasons` that were given."""

    score = serializers.IntegerField(source="fit.score")
    reasons = FitReasonSerializer(source="fit.reasons", many=True)


class TaskMatchSerializer(FitSerializer):
    task = ServiceTaskSerializer()


class TaskMatchesSerializer(serializers.Serializer[Any]):
    matches = TaskMatchSerializer(many=True)


class FirmMatchSerializer(FitSerializer):
    profile = ProfileSerializer()


class FirmMatchesSerializer(serializers.Serializer[Any]):
    matches = FirmMatchSerializer(many=True)
