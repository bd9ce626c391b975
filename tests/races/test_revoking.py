"""Clients of a partner read while the owner takes the right away: nothing that begins after the commit sees a row."""

import random
import time
from functools import partial

from edge_bridge.models import Alarm
from tenants.agreements.actions import terminate_agreement
from tests.agreements import agreed, signed
from tests.integration.marketplace.scenes import alarm_of
from tests.personas import organisation
from tests.races.crowd import CLIENTS, OBJECTS, crowd
from tests.races.tally import Tally
from tests.races.truth import sound

# So long that the readers leave the owner room to come to its commit.
PAUSE_S = CLIENTS / 400


def test_no_read_that_begins_after_the_revocation_sees_anything(aurora):
    partners = [organisation(f"Partner{n}", "service_firm") for n in range(OBJECTS)]
    alarm, tally = alarm_of(aurora), Tally("revoked while reading")
    with crowd() as clients:
        for _ in tally.goes():
            agreements = [signed(agreed(aurora, partner), partner, aurora) for partner in partners]
            ended = [[] for _ in partners]
            readers = [
                partial(_reading, partners[n % OBJECTS], alarm.pk, ended[n % OBJECTS])
                for n in range(clients.size - OBJECTS)
            ]
            enders = [partial(_end, aurora, *each) for each in zip(agreements, ended, strict=True)]
            each_reader = clients.at_once([*readers, *enders])[: -len(enders)]
            for n, (moment,) in enumerate(ended):
                of_partner = each_reader[n::OBJECTS]
                assert [begun for reads in of_partner for begun, rows in reads if begun > moment and rows] == []
                assert all(reads[-1][1] == 0 for reads in of_partner)
            found = [read for reads in each_reader for read in reads]
            saw = sum(rows for _, rows in found)
            assert saw > 0
            tally.count(attempts=len(found), won=saw, refused=len(found) - saw)
    sound(aurora)


def _reading(partner, alarm_id, ended):
    """(when it began, rows seen) of each read until one that began after the end."""
    reads = []
    while not reads or not ended or reads[-1][0] <= ended[0]:
        begun = time.perf_counter()
        with partner.acting():
            reads.append((begun, Alarm.objects.filter(pk=alarm_id).count()))
        time.sleep(random.uniform(0, PAUSE_S))
    return reads


def _end(owner, agreement, ended):
    time.sleep(PAUSE_S / 4)
    with owner.acting():
        terminate_agreement(agreement=agreement, reason="race")
    ended.append(time.perf_counter())
