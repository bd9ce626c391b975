"""Batches that come twice, in another order, at once, and from an epoch that is over."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import httpx

from edge_bridge.protocol import Batch, Lane, encode
from tests.faults.matrix import fault
from tests.faults.proxy import SEED
from tests.faults.scene import Scene
from tests.faults.truth import Said
from tests.integration.edge.scenes import BATCHES, Gateway, cleared, raised

HOLE, TAKEN = 409, 200


def pairs(gateway: Gateway, first: int, count: int) -> tuple[list[Batch], list[Said]]:
    """Batches of one alarm raised and cleared, and what they must come to."""
    batches: list[Batch] = []
    truth: list[Said] = []
    for number in range(first, first + count):
        high, low = 2.0 + number, number / 100_000
        batches.append(gateway.batch(Lane.P0, raised(high, tag="ch4"), cleared(low, tag="ch4")))
        truth += [("raised", high), ("cleared", low)]
    return batches, truth


def post(scene: Scene, batch: Batch) -> int:
    headers = {"Authorization": scene.device.authorization, "Content-Type": "application/json"}
    return httpx.post(scene.web.base_url + BATCHES, content=encode(batch), headers=headers, timeout=30).status_code


@fault()
def duplicates_and_reordering(scene: Scene) -> str:
    """Sixteen batches, four at a time, each twice, in random order, again and again until all are taken."""
    scene.play(1)
    scene.check()
    dice = random.Random(SEED)
    batches, truth = pairs(scene.device, 1, 16)
    left, holes, rounds = batches, 0, 0
    with ThreadPoolExecutor(4) as threads:
        while left:
            drawn = left * 2
            dice.shuffle(drawn)
            answers = list(threads.map(lambda batch: post(scene, batch), drawn))
            assert set(answers) <= {HOLE, TAKEN}, answers
            taken = {batch.entries[0].seq for batch, answer in zip(drawn, answers, strict=True) if answer == TAKEN}
            holes, rounds = holes + answers.count(HOLE), rounds + 1
            left = [batch for batch in left if batch.entries[0].seq not in taken]
        assert {post(scene, batch) for batch in dice.sample(batches, 8)} == {TAKEN}
    scene.truth += truth
    scene.check()
    return f"{holes} refused as holes in {rounds} rounds"


@fault()
def old_epoch(scene: Scene) -> None:
    """An epoch that is over speaks again: what it said before has no effect, what it had left to say is not lost."""
    scene.play(1)
    scene.check()
    before, truth = pairs(scene.device, 1, 4)
    assert [post(scene, batch) for batch in before[:3]] == [TAKEN] * 3
    after = Gateway(scene.device.device, scene.device.secret, boot=uuid4())
    later, truth_after = pairs(after, 5, 3)
    assert [post(scene, batch) for batch in later] == [TAKEN] * 3
    assert [post(scene, batch) for batch in before] == [TAKEN] * 4
    assert [post(scene, batch) for batch in [*later, *before]] == [TAKEN] * 7
    assert post(scene, replace(before[3], boot=uuid4())) == HOLE
    scene.truth += truth[:6] + truth_after + truth[6:]
    scene.check()
