"""Readings summed up by the minute and by the hour, what has yet to be summed up, and how long what is kept."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from tenants.api import SharedModel, TenantForeignKey, TenantModel

MINUTE_S, HOUR_S = 60, 3600
SIZES = [(MINUTE_S, "minute"), (HOUR_S, "hour")]
RAW = (0, "raw")


class Rollup(SharedModel):
    """Figures over the readings of a series with `begins_at` ≤ measured_at < `begins_at` + `size_s`.

    `value` is the mean; it, the extremes, `first` and `last` are of good readings, null without one. `n_times` counts
    different times of measurement, `n_repeated` good readings with the value of the good one before, in the bucket;
    of its `n_minutes` with a reading `n_late` got one long after their end. A bucket without readings has no row.
    """

    shared_by = "view_telemetry"
    shared_through = "series"
    shared_singly = True
    maskable = ("value",)
    of_value = ("lowest", "highest", "first", "last", "n_repeated")

    pk = models.CompositePrimaryKey("tenant_id", "series_id", "size_s", "begins_at")
    tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False, editable=False)
    series = TenantForeignKey("edge_bridge.Series", models.CASCADE, db_index=False, related_name="rollups")
    size_s = models.SmallIntegerField(choices=SIZES)
    begins_at = models.DateTimeField()
    n_good = models.IntegerField()
    n_uncertain = models.IntegerField()
    n_bad = models.IntegerField()
    n_times = models.IntegerField()
    n_repeated = models.IntegerField()
    n_minutes = models.SmallIntegerField()
    n_late = models.SmallIntegerField()
    value = models.FloatField(null=True)
    lowest = models.FloatField(null=True)
    highest = models.FloatField(null=True)
    first = models.FloatField(null=True)
    last = models.FloatField(null=True)

    class Meta:
        verbose_name = "roll-up"
        indexes = [BrinIndex(fields=["begins_at"], autosummarize=True, name="rollup_time")]
        constraints = [
            models.CheckConstraint(condition=Q(size_s__in=[MINUTE_S, HOUR_S]), name="rollup_size_known"),
            models.CheckConstraint(
                condition=Q(n_good__gte=0, n_uncertain__gte=0, n_bad__gte=0)
                & ~Q(n_good=0, n_uncertain=0, n_bad=0)
                & Q(n_times__gte=1, n_times__lte=F("n_good") + F("n_uncertain") + F("n_bad"))
                & Q(n_minutes__gte=1, n_late__gte=0, n_late__lte=F("n_minutes")),
                name="rollup_of_readings",
            ),
            models.CheckConstraint(
                condition=Q(n_good=0, value=None, lowest=None, highest=None, first=None, last=None)
                | Q(
                    n_good__gt=0, value__isnull=False, lowest__lte=F("highest"), first__isnull=False, last__isnull=False
                ),
                name="rollup_figures_of_good_readings",
            ),
        ]

    def _leave_out(self, hidden: tuple[str, ...]) -> None:
        """Where values are hidden, so is all that is made of them."""
        super()._leave_out(hidden)
        for name in self.of_value if "value" in hidden else ():
            setattr(self, name, None)


class DirtyMinute(TenantModel):
    """Series that got readings of a minute, written with them; a sweep sums them up anew and takes the row away.

    Nothing is unique in it: a row that were shared would let readings pass that came while it was being worked off.
    """

    begins_at = models.DateTimeField()
    series_ids = ArrayField(models.UUIDField())
    received_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        indexes = [models.Index(fields=["tenant", "begins_at"], name="dirty_minute_oldest")]

    def __str__(self) -> str:
        return f"{len(self.series_ids)} series at {self.begins_at}"


class ReadingRetention(TenantModel):
    """For how many days an organisation keeps readings, their minutes and their hours."""

    raw_days = models.PositiveSmallIntegerField()
    minute_days = models.PositiveSmallIntegerField()
    hour_days = models.PositiveSmallIntegerField()
    set_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    set_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="reading_retention_once"),
            models.CheckConstraint(
                condition=Q(raw_days__gte=1, minute_days__gte=F("raw_days"), hour_days__gte=F("minute_days")),
                name="reading_retention_coarser_is_longer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.raw_days}, {self.minute_days} and {self.hour_days} days"


class ReadingRemoval(TenantModel):
    """What was removed because its time was over: readings (`size_s` 0) or roll-ups from before `before_at`."""

    size_s = models.SmallIntegerField(choices=[RAW, *SIZES])
    before_at = models.DateTimeField()
    n_removed = models.BigIntegerField()
    removed_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "size_s", "before_at"], name="reading_removal_once"),
            models.CheckConstraint(condition=Q(n_removed__gt=0), name="reading_removal_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.n_removed} from before {self.before_at}"
