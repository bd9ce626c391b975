"""What the tests of reactions begin with: one that is on, and the sweep for one organisation alone."""

from marketplace.models import Reaction, ReactionSwitch
from marketplace.reactions import actions
from tests.personas import Organisation


def switched(owner: Organisation, reaction: str = "plan_infeasible", is_on: bool = True) -> ReactionSwitch:
    """In the open transaction; for mine North."""
    return actions.set_reaction(reaction=reaction, is_on=is_on, site_id=owner.sites["north"].pk)


def switch_on(owner: Organisation, reaction: str) -> ReactionSwitch:
    with owner.acting():
        return switched(owner, reaction)


def swept(owner: Organisation) -> int:
    """As the sweep does it, for what is owed to this organisation."""
    return sum(actions.react(actor, switch_id) for actor, switch_id in owed_to(owner))


def owed_to(owner: Organisation) -> list:  # type: ignore[type-arg]
    return [(actor, switch_id) for actor, switch_id in actions.claim_due() if actor.tenant_id == owner.id]


def made(owner: Organisation) -> list[Reaction]:
    with owner.acting():
        return list(Reaction.objects.select_related("task").order_by("pk"))
