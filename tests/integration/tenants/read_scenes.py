"""What the tests of shared reads begin with: something to read, a clause that opens it, and what was recorded."""

from datetime import UTC, datetime, timedelta
from typing import Any

from edge_bridge.protocol import Lane
from tenants.agreements import actions as agreeing
from tenants.models import Agreement, SharedRead
from tests.integration.edge.scenes import Gateway, gateway, raised, reading
from tests.personas import Organisation


def share(
    owner: Organisation, partner: Organisation, *permissions: str, equipment: str = "", **narrowed: Any
) -> Agreement:
    """North, or one machine there, opened to the partner by an agreement in force; `narrowed` as `Clause` has it."""
    what = {"equipment": owner.equipment[equipment]} if equipment else {"site": owner.sites["north"]}
    window = (datetime.now(UTC) - timedelta(seconds=1), None)
    clause = {**what, "permissions": list(permissions), "during": window, **narrowed}
    with owner.acting():
        return agreeing.agree_by_offer(
            owner_id=owner.id, partner_id=partner.id, title="Watch", purpose="maintenance", clauses=[clause]
        )


def with_alarm_and_readings(owner: Organisation, n: int = 3) -> Gateway:
    """An alarm on the gas sensor, and readings of the pump, a second apart, the last one now."""
    sender = gateway(owner)
    sender.say(Lane.P1, raised())
    sender.say(Lane.P2, *[reading(40 + n, ago_s=n) for n in reversed(range(n))])
    return sender


def reads_of(organisation: Organisation) -> list[SharedRead]:
    """Records that the organisation may see, oldest first."""
    with organisation.acting():
        return list(SharedRead.objects.select_related("agreement").order_by("pk"))


def kinds_of(organisation: Organisation) -> dict[str, int]:
    """Kind → rows recorded."""
    found: dict[str, int] = {}
    for read in reads_of(organisation):
        found[read.kind] = found.get(read.kind, 0) + read.n_rows
    return found
