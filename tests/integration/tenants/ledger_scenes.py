"""Two chains that meet: what tests of the ledger forge and check."""

from uuid import uuid4

from tenants.ledger.actions import enter
from tests import personas
from tests.personas import Organisation

LENGTH = 12
SUBJECT = uuid4()


def meeting_chains() -> tuple[Organisation, Organisation]:
    """Aurora's has twelve entries; the even ones are shared with Borealis, every third one is about SUBJECT."""
    ours, theirs = personas.organisation("Aurora", "mining_group"), personas.organisation("Borealis", "service_firm")
    for n in range(1, LENGTH + 1):
        subject = SUBJECT if n % 3 == 0 else uuid4()
        with ours.acting():
            shared = {theirs.id} if n % 2 == 0 else set()
            enter(kind="test.entered", subject=subject, payload={"n": n, "text": "Grade é"}, with_tenants=shared)
        if n % 2:
            with theirs.acting():
                enter(kind="test.other", subject=uuid4(), payload={"n": n})
    return ours, theirs
