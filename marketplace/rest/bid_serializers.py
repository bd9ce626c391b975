"""Shapes of bids over HTTP. They parse; `marketplace.bids.data` and the actions decide."""

from typing import Any

from rest_framework import serializers

from marketplace.bids.data import (
    CRITERION_CHARS,
    CRITERION_KINDS,
    DELIVERY_D,
    METHOD_CHARS,
    MOST_CRITERIA,
    OFFER_CHARS,
    PRICE_MINOR,
    REASON_CHARS,
    VALIDITY_D,
    BidContent,
    Criterion,
    criteria_from,
)
from marketplace.bids.sealing import PASSPHRASE_CHARS
from marketplace.models import Bid, BidVersion, Complaint, Opener, Opening


class BidContentSerializer(serializers.Serializer[Any]):
    """`price_minor` in minor units of the task's currency, for all of the work, done within `delivery_d` days from the
    contract; `due_d`, the firm's own days for the task's milestones, are not later."""

    price_minor = serializers.IntegerField(min_value=1, max_value=PRICE_MINOR)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z")
    delivery_d = serializers.IntegerField(min_value=1, max_value=DELIVERY_D)
    method = serializers.CharField(max_length=METHOD_CHARS, required=False, allow_blank=True)
    people = serializers.CharField(max_length=OFFER_CHARS, required=False, allow_blank=True)
    equipment = serializers.CharField(max_length=OFFER_CHARS, required=False, allow_blank=True)
    due_d = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=DELIVERY_D), max_length=50, required=False
    )
    validity_d = serializers.IntegerField(min_value=1, max_value=VALIDITY_D, required=False)

    @property
    def content(self) -> BidContent:
        given = dict(self.validated_data)
        return BidContent(**given | {"due_d": tuple(given.get("due_d", ()))})


class BidVersionSerializer(serializers.ModelSerializer[BidVersion]):
    """`content` is null while it is sealed, or if it was found altered, of which `fault` and `is_altered` speak."""

    content = serializers.SerializerMethodField()
    is_sealed = serializers.SerializerMethodField()
    is_altered = serializers.SerializerMethodField()

    class Meta:
        model = BidVersion
        fields = ["number", "submitted_at", "commitment", "is_sealed", "is_altered", "fault", "content"]

    def get_content(self, version: BidVersion) -> dict[str, Any] | None:
        content = version.content
        return None if content is None else content.document

    def get_is_sealed(self, version: BidVersion) -> bool:
        return not version.text

    def get_is_altered(self, version: BidVersion) -> bool:
        return bool(version.fault) or bool(version.text and version.content is None)


class BidSerializer(serializers.ModelSerializer[Bid]):
    """`version` is also the ETag; `number` says how many versions of the bid there are, of which the last counts."""

    task = serializers.UUIDField(source="task_id")
    owner = serializers.UUIDField(source="owner_id")
    firm = serializers.UUIDField(source="tenant_id")
    versions = BidVersionSerializer(source="all_versions", many=True)
    outcome = serializers.DictField(allow_null=True)

    class Meta:
        model = Bid
        fields = [
            *["id", "task", "owner", "firm", "firm_name", "state", "number", "version", "reason", "outcome"],
            *["created_at", "decided_at", "versions"],
        ]


class BidReceiptSerializer(serializers.Serializer[Any]):
    """Keep `text`: its SHA-256 is `commitment`, and of a sealed bid it is the only copy before the opening."""

    bid = serializers.UUIDField(source="bid.pk")
    number = serializers.IntegerField(source="version.number")
    submitted_at = serializers.DateTimeField(source="version.submitted_at")
    commitment = serializers.CharField(source="version.commitment")
    text = serializers.CharField()


class BidReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(min_length=3, max_length=REASON_CHARS)


class CriterionSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=CRITERION_CHARS)
    kind = serializers.ChoiceField(list(CRITERION_KINDS.items()))
    weight = serializers.IntegerField(min_value=1, max_value=100)


class CriteriaSerializer(serializers.Serializer[Any]):
    """Weights sum to 100; none means the price alone."""

    criteria = CriterionSerializer(many=True, max_length=MOST_CRITERIA)

    @property
    def checked(self) -> tuple[Criterion, ...]:
        return criteria_from(self.validated_data["criteria"])


class BidScoreSerializer(serializers.Serializer[Any]):
    criterion = serializers.CharField(max_length=CRITERION_CHARS)
    points = serializers.IntegerField(min_value=0, max_value=100)
    reason = serializers.CharField(min_length=3, max_length=REASON_CHARS)


class BidScoresSerializer(serializers.Serializer[Any]):
    scores = BidScoreSerializer(many=True, max_length=MOST_CRITERIA)


class PassphraseSerializer(serializers.Serializer[Any]):
    """Used in memory and stored nowhere; whoever forgets theirs can't help to open the bids."""

    passphrase = serializers.CharField(
        min_length=PASSPHRASE_CHARS[0], max_length=PASSPHRASE_CHARS[1], trim_whitespace=False, write_only=True
    )


class OpenerSerializer(serializers.ModelSerializer[Opener]):
    user = serializers.UUIDField(source="user_id")

    class Meta:
        model = Opener
        fields = ["id", "user", "user_name", "public_key", "registered_at"]


class OpenerPartSerializer(serializers.ModelSerializer[Opening]):
    opener = serializers.CharField(source="opener.user_name")

    class Meta:
        model = Opening
        fields = ["opener", "opened_at"]


class TenderSerializer(serializers.Serializer[Any]):
    """Who opens the bids, who has given their part, and firms whose bid is in the ledger but not among the bids."""

    needed = serializers.IntegerField()
    openers = OpenerSerializer(many=True)
    openings = OpenerPartSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField())


class BidPointsSerializer(serializers.Serializer[Any]):
    """`points` as text with two digits, null where the owner has given none yet."""

    name = serializers.CharField()
    weight = serializers.IntegerField()
    points = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class ComparedSerializer(serializers.Serializer[Any]):
    bid = serializers.UUIDField()
    firm_name = serializers.CharField()
    state = serializers.CharField()
    price_minor = serializers.IntegerField()
    delivery_d = serializers.IntegerField()
    valid_until = serializers.DateTimeField(help_text="A bid can't win after it.")
    rank = serializers.IntegerField(allow_null=True)
    total = serializers.CharField(allow_null=True)
    points = BidPointsSerializer(many=True)


class BidComparisonSerializer(serializers.Serializer[Any]):
    """Best first; those whose points are not complete come last, without a rank."""

    currency = serializers.CharField()
    bids = ComparedSerializer(many=True)


class ComplaintSerializer(serializers.ModelSerializer[Complaint]):
    bid = serializers.UUIDField(source="bid_id")
    firm_name = serializers.CharField(source="bid.firm_name")

    class Meta:
        model = Complaint
        fields = ["id", "bid", "firm_name", "text", "state", "made_at", "decision", "decided_at"]


class ComplainSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(min_length=3, max_length=REASON_CHARS)


class ComplaintDecisionSerializer(serializers.Serializer[Any]):
    is_upheld = serializers.BooleanField()
    reason = serializers.CharField(min_length=3, max_length=REASON_CHARS)
