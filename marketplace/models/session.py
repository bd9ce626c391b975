from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from marketplace.contracts.data import WORDS_CHARS
from marketplace.models.contract import ContractRow, Milestone
from marketplace.sessions.data import CEILING_MIN, LOOKED_AT_CHARS, RATE_MINOR, SUBJECT_CHARS
from marketplace.sessions.lifecycle import BEFORE_THE_START, LIVE, SessionState
from tenants.api import TenantForeignKey

TO_COME, HELD = ([state.value for state in states] for states in (BEFORE_THE_START, LIVE))
SESSION_STATES = [(state.value, state.value.capitalize()) for state in SessionState]


class PlannedTime(Func):
    """From when to when a session is planned, half open."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class RemoteSession(ContractRow):
    """An expert of `firm` works for the buyer from afar, at `rate_minor` for each minute and for `ceiling_min` at most.

    `expert_id` and `assignment_id` are rows of the firm's register, not references: they go when a person is forgotten,
    and what was agreed and done stays. `assigned_for_it`: the assignment was made for this session and ends with it.
    `measured_min` is what the clock said; what is owed is the sum of the log. `milestone` is where it is settled.
    """

    number = models.PositiveSmallIntegerField()
    subject = models.CharField(max_length=SUBJECT_CHARS)
    expert_id = models.UUIDField()
    assignment_id = models.UUIDField()
    assigned_for_it = models.BooleanField(default=True)
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    rate_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    ceiling_min = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=SESSION_STATES, default=SessionState.PROPOSED.value)
    version = models.PositiveIntegerField(default=1)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    measured_min = models.PositiveSmallIntegerField(null=True)
    answer_until = models.DateTimeField(null=True, help_text="Until when the buyer may object; then it is accepted.")
    reason = models.TextField(blank=True, max_length=WORDS_CHARS, help_text="Why it was cancelled.")
    milestone = TenantForeignKey(Milestone, models.PROTECT, null=True, related_name="sessions", db_index=False)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="session_newest"),
            models.Index(fields=["firm", "-id"], name="session_of_firm"),
            models.Index(fields=["to_at"], condition=Q(state__in=TO_COME), name="session_to_come"),
            models.Index(fields=["answer_until"], condition=Q(state="ended"), name="session_to_be_answered"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contract", "number"], name="session_number_once"),
            models.UniqueConstraint(fields=["tenant", "milestone"], name="session_settled_once"),
            # An expert runs one session at a time, whoever the buyers are.
            models.UniqueConstraint(
                fields=["firm", "expert_id"], condition=Q(state="running"), name="session_one_running_of_expert"
            ),
            ExclusionConstraint(
                name="session_of_assignment_once",
                expressions=[
                    ("tenant", RangeOperators.EQUAL),
                    ("assignment_id", RangeOperators.EQUAL),
                    (PlannedTime("from_at", "to_at", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(state__in=HELD),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[value for value, _ in SESSION_STATES]), name="session_state_known"
            ),
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="session_ends_after_it_begins"),
            models.CheckConstraint(condition=Q(rate_minor__range=(1, RATE_MINOR)), name="session_rate_bounded"),
            models.CheckConstraint(condition=Q(ceiling_min__range=(1, CEILING_MIN)), name="session_ceiling_bounded"),
            models.CheckConstraint(
                condition=Q(measured_min__isnull=True) | Q(measured_min__lte=F("ceiling_min")),
                name="session_within_its_ceiling",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, measured_min__isnull=True)
                | Q(ended_at__gte=F("started_at"), measured_min__isnull=False),
                name="session_measured_at_its_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.subject}"


class SessionEntry(ContractRow):
    """One entry of a session's log, by one of the two; what it says never changes, a further entry reverses it.

    `minutes` are those of the clock or, in a reversal, what it takes back: their sum is what the session took.
    """

    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        TIME = "time", "Time"
        REVERSAL = "reversal", "Reversal"
        OBJECTION = "objection", "Objection"
        ACCEPTANCE = "acceptance", "Acceptance"

    session = TenantForeignKey(RemoteSession, models.PROTECT, related_name="entries")
    by = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    looked_at = models.CharField(max_length=LOOKED_AT_CHARS, blank=True)
    words = models.TextField(blank=True, max_length=WORDS_CHARS)
    minutes = models.SmallIntegerField(default=0)
    reverses = TenantForeignKey("self", models.PROTECT, null=True, related_name="reversals", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "reverses"], name="session_entry_reversed_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["note", "time", "reversal", "objection", "acceptance"]),
                name="session_entry_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(kind="time", minutes__gte=0) | Q(kind="reversal", minutes__lte=0) | Q(minutes=0),
                name="session_entry_minutes_bounded",
            ),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False, words__gt="")
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="session_reversal_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.words[:60]}"
