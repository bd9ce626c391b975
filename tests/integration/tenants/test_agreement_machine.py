"""Any order of steps by either party, legal or not, against the database: only what an active version says is open."""

from functools import cache

import hypothesis.strategies as some
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tenants.agreements import actions as agreeing
from tenants.agreements.lifecycle import BY_CONSENT, Side, State, Step, possible_steps
from tenants.data import Conflict
from tenants.models import Agreement, SiteGroupObjectPermission
from tests import personas
from tests.agreements import drafted, wish

OPENED = some.sets(some.sampled_from(["view_alarms", "view_telemetry", "comment"]), min_size=1)


OTHERS = {
    Step.OFFER: agreeing.offer_agreement,
    Step.SUSPEND: agreeing.suspend_agreement,
    Step.RESUME: agreeing.resume_agreement,
    Step.TERMINATE: agreeing.terminate_agreement,
}
ONWARD = (Step.OFFER, Step.COUNTER, Step.ACCEPT, Step.SIGN, Step.SUSPEND, Step.RESUME)
reached = set()


@cache
def parties() -> dict[Side, personas.Organisation]:
    return {Side.OWNER: personas.aurora(), Side.PARTNER: personas.borealis()}


class Negotiation(RuleBasedStateMachine):
    """Keeps its own account: the state by the table, what each version opens, and who has signed."""

    @initialize(opened=OPENED)
    def draft(self, opened):
        self.state, self.said, self.signed = State.DRAFT, [opened], set()
        owner = parties()[Side.OWNER]
        self.agreement = drafted(owner, parties()[Side.PARTNER], clauses=[wish(owner.sites["north"], *opened)])

    @rule(side=some.sampled_from([Side.OWNER, Side.PARTNER]), opened=OPENED)
    def propose(self, side, opened):
        step = Step.REVISE if self.state == State.DRAFT else Step.COUNTER
        site = parties()[Side.OWNER].sites["north"]
        answers = len(self.said)
        if self.took(side, step, agreeing.propose_version, answers=answers, clauses=[wish(site, *opened)]):
            self.said.append(opened)

    @rule(side=some.sampled_from([Side.OWNER, Side.PARTNER]), version=some.integers(0, 1))
    def accept(self, side, version):
        wanted = len(self.said) - version
        self.took(side, Step.ACCEPT, agreeing.accept_agreement, is_possible=version == 0, version=wanted)

    @rule(side=some.sampled_from([Side.OWNER, Side.PARTNER]))
    def sign(self, side):
        with parties()[Side.OWNER].acting():
            text_hash = self.agreement.versions.get(number=len(self.said)).text_hash
        fresh = side not in self.signed
        about = {"version": len(self.said), "text_hash": text_hash}
        if self.took(side, Step.SIGN, agreeing.sign_agreement, is_possible=fresh, **about):
            self.signed.add(side)
            if len(self.signed) == 2:
                self.state = State.ACTIVE

    @rule(side=some.sampled_from([Side.OWNER, Side.PARTNER]), step=some.sampled_from(list(OTHERS)))
    def other(self, side, step):
        about = {"reason": "test"} if step == Step.TERMINATE else {}
        self.took(side, step, OTHERS[step], **about)

    @rule(choice=some.integers(0, 5))
    def go_on(self, choice):
        """A step that the table has, so that walks get beyond the first refusals."""
        sides = (Side.OWNER, Side.PARTNER)
        onward = [(side, step) for side in sides for step in possible_steps(BY_CONSENT, self.state, side)]
        onward = [cell for cell in onward if cell[1] in ONWARD and (cell[1] != Step.SIGN or cell[0] not in self.signed)]
        if onward:
            side, step = onward[choice % len(onward)]
            match step:
                case Step.COUNTER:
                    self.propose(side, {"comment"})
                case Step.ACCEPT:
                    self.accept(side, 0)
                case Step.SIGN:
                    self.sign(side)
                case _:
                    self.other(side, step)

    @rule()
    def conclude(self):
        """All the way to what both have signed."""
        proposer = {State.OFFERED: Side.OWNER, State.COUNTERED: Side.PARTNER}
        if self.state == State.DRAFT:
            self.other(Side.OWNER, Step.OFFER)
        if self.state in proposer:
            self.accept(Side.OWNER if proposer[self.state] == Side.PARTNER else Side.PARTNER, 0)
        for side in (Side.OWNER, Side.PARTNER):
            if self.state == State.AGREED and side not in self.signed:
                self.sign(side)

    def took(self, side, step, action, is_possible=True, **about):
        """Whether the party took the step; it was refused only if the table has no such step."""
        target = BY_CONSENT.get((self.state, step, side)) if is_possible else None
        try:
            with parties()[side].acting():
                found = Agreement.objects.filter(pk=self.agreement.pk).first()
                assert (found is None) == (
                    (side == Side.PARTNER and self.state == State.DRAFT) or self.is_discarded(side)
                )
                if found is None:
                    return False
                action(agreement=found, **about)
        except Conflict:
            assert target is None
            return False
        assert target is not None
        self.was_draft = self.state == State.DRAFT
        self.state = target
        return True

    def is_discarded(self, side):
        """A draft that was never offered stays the owner's own."""
        return side == Side.PARTNER and self.state == State.TERMINATED and self.was_draft

    @invariant()
    def only_what_an_active_version_says_is_open(self):
        owner, partner = parties()[Side.OWNER], parties()[Side.PARTNER]
        reached.add(self.state)
        wanted = self.said[-1] if self.state in (State.ACTIVE, State.SUSPENDED) else set()
        with owner.acting():
            assert Agreement.objects.get(pk=self.agreement.pk).status == self.state
            assert self.granted() == wanted
        with partner.acting():
            assert self.granted() == (wanted if self.state == State.ACTIVE else set())

    def granted(self):
        rows = SiteGroupObjectPermission.objects.filter(agreement=self.agreement.pk)
        return {row.permission.codename for row in rows.select_related("permission")}


TestNegotiation = Negotiation.TestCase
TestNegotiation.settings = settings(
    max_examples=16,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def test_walks_have_been_in_every_state_that_a_step_leads_to():
    assert reached == set(State) - {State.EXPIRED, State.SUPERSEDED}
