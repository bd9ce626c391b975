"""Shapes of usage over HTTP. Quantities are decimal strings, money is whole minor units."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from tenants.metering.actions import LARGEST_CAP_MINOR
from tenants.metering.months import read_month
from tenants.metering.pricing import METERS
from tenants.models import Budget, Clause, RatePlan, Statement, UsageEvent, UsageHour
from tenants.models.usage import METER_CHOICES

MONTH = r"20\d\d-(0[1-9]|1[0-2])"


class UsageFilterSerializer(serializers.Serializer[Any]):
    """`month` is a calendar month in UTC; `hour` any moment in the hour that is meant."""

    meter = serializers.ChoiceField(METER_CHOICES, required=False)
    month = serializers.RegexField(rf"^{MONTH}$", required=False)
    hour = serializers.DateTimeField(required=False)


class MonthFilterSerializer(serializers.Serializer[Any]):
    month = serializers.RegexField(rf"^{MONTH}$", required=False, help_text="The present one unless given.")

    def validate_month(self, text: str) -> Any:
        return read_month(text)


class UsageEventSerializer(serializers.ModelSerializer[UsageEvent]):
    """One use. `hour` is where it is counted; `counterpart` with whom, under which of their `agreement`s."""

    counterpart = serializers.UUIDField(source="counterpart_id", allow_null=True)
    agreement = serializers.UUIDField(source="agreement_id", allow_null=True)

    class Meta:
        model = UsageEvent
        fields = [
            *["id", "meter", "quantity", "at", "hour", "source", "event_id"],
            *["subject_kind", "subject_id", "counterpart", "agreement"],
        ]


class UsageHourSerializer(serializers.ModelSerializer[UsageHour]):
    class Meta:
        model = UsageHour
        fields = ["meter", "hour", "quantity", "n_events"]


class PricedPartSerializer(serializers.Serializer[Any]):
    """`quantity` is what of the line lies above `above`, at `price_minor` for each `per`."""

    above = serializers.IntegerField()
    price_minor = serializers.IntegerField()
    per = serializers.IntegerField()
    quantity = serializers.DecimalField(max_digits=20, decimal_places=3)


class LineSerializer(serializers.Serializer[Any]):
    """Rounded half up to whole minor units, once; `free` of `quantity` costs nothing."""

    meter = serializers.ChoiceField(METER_CHOICES)
    unit = serializers.SerializerMethodField()
    quantity = serializers.DecimalField(max_digits=20, decimal_places=3)
    free = serializers.DecimalField(max_digits=20, decimal_places=3)
    parts = PricedPartSerializer(many=True)
    amount_minor = serializers.IntegerField()

    def get_unit(self, line: dict[str, Any]) -> str:
        return METERS[line["meter"]].unit


class StatementSummarySerializer(serializers.ModelSerializer[Statement]):
    """`total_minor` is null while the month is open: its statement says what it is so far."""

    month = serializers.DateField(format="%Y-%m")
    rate_plan = serializers.UUIDField(source="plan_id", allow_null=True)

    class Meta:
        model = Statement
        fields = ["month", "currency", "rate_plan", "total_minor", "closed_at"]


class StatementSerializer(StatementSummarySerializer):
    """`total_minor` is the sum of the lines, of which each is the sum of its usage events."""

    lines = LineSerializer(many=True)

    class Meta(StatementSummarySerializer.Meta):
        fields = [*StatementSummarySerializer.Meta.fields, "lines"]


class RateSerializer(serializers.Serializer[Any]):
    meter = serializers.ChoiceField(METER_CHOICES)
    above = serializers.IntegerField()
    price_minor = serializers.IntegerField()
    per = serializers.IntegerField()


class RatePlanSerializer(serializers.ModelSerializer[RatePlan]):
    """What is below the first rate of a meter in a month is free, and so is a meter without one."""

    rates = RateSerializer(many=True)

    class Meta:
        model = RatePlan
        fields = ["id", "name", "currency", "from_month", "rates"]


class BudgetSerializer(serializers.ModelSerializer[Budget]):
    warn_frac = serializers.DecimalField(
        max_digits=3, decimal_places=2, min_value=Decimal("0.01"), max_value=Decimal(1), default=Decimal("0.80")
    )
    stops = serializers.BooleanField(default=True)

    class Meta:
        model = Budget
        fields = ["cap_minor", "warn_frac", "stops"]
        extra_kwargs = {"cap_minor": {"max_value": LARGEST_CAP_MINOR}}


class BudgetStateSerializer(serializers.Serializer[Any]):
    """`used_minor` is the month so far, which begins anew at `resets_at`; `cap_minor` is null without a budget."""

    cap_minor = serializers.IntegerField(allow_null=True)
    warn_frac = serializers.DecimalField(max_digits=3, decimal_places=2, allow_null=True)
    stops = serializers.BooleanField()
    set_at = serializers.DateTimeField(allow_null=True)
    used_minor = serializers.IntegerField()
    currency = serializers.CharField()
    resets_at = serializers.DateTimeField()


class AgreementLineSerializer(serializers.Serializer[Any]):
    """`quantity` is in the measure of the price: one for once, days, months or rows read."""

    clause = serializers.UUIDField()
    site = serializers.UUIDField(allow_null=True)
    equipment = serializers.UUIDField(allow_null=True)
    rows_read = serializers.IntegerField()
    price_minor = serializers.IntegerField(allow_null=True)
    price_per = serializers.ChoiceField(Clause.PricePer, allow_blank=True)
    quantity = serializers.IntegerField()
    amount_minor = serializers.IntegerField()


class TotalSerializer(serializers.Serializer[Any]):
    rows_read = serializers.IntegerField()
    total_minor = serializers.IntegerField()


class MonthTotalSerializer(TotalSerializer):
    month = serializers.DateField(format="%Y-%m")


class AgreementUsageSerializer(serializers.Serializer[Any]):
    """What the partner used under the agreement in a month, and owes the owner for it; the same for both.

    `months` are those up to it in which the agreement was in force, newest first and at most twelve, and
    `months_total` is their sum.
    """

    agreement = serializers.UUIDField()
    owner = serializers.UUIDField()
    partner = serializers.UUIDField()
    month = serializers.DateField(format="%Y-%m")
    currency = serializers.CharField()
    lines = AgreementLineSerializer(many=True)
    total_minor = serializers.IntegerField()
    months = MonthTotalSerializer(many=True)
    months_total = TotalSerializer()
