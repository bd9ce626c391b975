"""Clients of a partner read while the owner takes the right away: nothing that begins after the commit sees a row."""

import time
from functools import partial

from edge_bridge.models import Alarm
from tenants.agreements.actions import terminate_agreement
from tests.agreements import agreed, signed
from tests.integration.marketplace.scenes import alarm_of
from tests.races.crowd import ROUNDS, crowd, told


def test_no_read_that_begins_after_the_revocation_sees_anything(aurora, borealis):
    alarm, reads, seen = alarm_of(aurora), 0, 0
    with crowd() as clients:
        for _ in range(ROUNDS):
            agreement = signed(agreed(aurora, borealis), borealis, aurora)
            ended = []
            readers = [partial(_reading, borealis, alarm.pk, ended)] * (clients.size - 1)
            *rounds, _ = clients.at_once([*readers, partial(_end, aurora, agreement, ended)])
            found = [each for each_round in rounds for each in each_round]
            late = [begun for begun, rows in found if begun > ended[0] and rows]
            assert late == []
            assert all(each_round[-1][1] == 0 for each_round in rounds)
            reads, seen = reads + len(found), seen + sum(rows for _, rows in found)
    assert seen > 0
    told("revoked while reading", rounds=ROUNDS, reads=reads, of_which_saw=seen, late=0)


def _reading(partner, alarm_id, ended):
    """(when it began, rows seen) of each read until one that began after the end."""
    reads = []
    while not reads or not ended or reads[-1][0] <= ended[0]:
        begun = time.perf_counter()
        with partner.acting():
            reads.append((begun, Alarm.objects.filter(pk=alarm_id).count()))
    return reads


def _end(owner, agreement, ended):
    time.sleep(0.05)
    with owner.acting():
        terminate_agreement(agreement=agreement, reason="race")
    ended.append(time.perf_counter())
