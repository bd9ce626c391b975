"""Clients of a partner read while the owner takes the right away: nothing that begins after the commit sees a row."""

import random
import time
from functools import partial

from edge_bridge.models import Alarm
from tenants.agreements.actions import terminate_agreement
from tests.agreements import agreed, signed
from tests.integration.marketplace.scenes import alarm_of
from tests.races.crowd import CLIENTS, crowd
from tests.races.tally import Tally
from tests.races.truth import sound

# So long that the readers leave the owner room to come to its commit.
PAUSE_S = CLIENTS / 400


def test_no_read_that_begins_after_the_revocation_sees_anything(aurora, borealis):
    alarm, tally = alarm_of(aurora), Tally("revoked while reading")
    with crowd() as clients:
        for _ in tally.rounds():
            agreement = signed(agreed(aurora, borealis), borealis, aurora)
            ended = []
            readers = [partial(_reading, borealis, alarm.pk, ended)] * (clients.size - 1)
            *each_reader, _ = clients.at_once([*readers, partial(_end, aurora, agreement, ended)])
            found = [read for reads in each_reader for read in reads]
            assert [begun for begun, rows in found if begun > ended[0] and rows] == []
            assert all(reads[-1][1] == 0 for reads in each_reader)
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
