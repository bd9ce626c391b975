"""Nothing of one organisation is left on a connection for the next one, whatever ended the transaction before."""

import json
import os
import subprocess
import sys

from tenants.actions import register_site
from tests import personas
from tests.database import ROOT
from tests.whole import WHOLE

READS = 10_000 if WHOLE else 2_000


def mine_of(name: str) -> str:
    organisation = personas.organisation(name, "mining_group")
    with organisation.acting():
        register_site(code="one", name="One", kind="mine")
    return str(organisation.id)


def test_one_connection_between_two_organisations_never_mixes_them_up():
    command = [sys.executable, "-m", "tests.functional.chaos.one_connection", mine_of("A"), mine_of("B"), str(READS)]
    environment = os.environ | {"DATABASE_POOL_SIZE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["reads"] >= READS
    assert found["failed"] > READS / 10 and found["cancelled"] > 0
    assert found["backends"] < READS / 10, "connections were reused"
    assert found["crossed"] == 0
