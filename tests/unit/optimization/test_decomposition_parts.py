"""Parts of a search: the same answer wherever they are solved, and bytes looked at before they are believed."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest

from optimization.decomposition.parts import (
    NOTHING,
    LocalPool,
    Part,
    PartAnswer,
    packed,
    solve_part,
    unpacked,
    unpacked_answer,
)
from optimization.decomposition.reduced import blocks_of
from optimization.decomposition.value_function import value_functions
from optimization.generator import generate


def parts(n_mines: int = 3) -> list[Part]:
    instance = generate(n_mines, 2, 3, 3, 2, 2, seed=3)
    blocks = blocks_of(instance, value_functions(instance))
    return [Part(block.program, None, gap=1e-3, nodes=50, left_s=30.0, seed=1) for block in blocks]


def never() -> bool:
    return False


def assert_same(one: PartAnswer, other: PartAnswer) -> None:
    assert one.values is not None and other.values is not None
    assert one.values.tobytes() == other.values.tobytes()
    assert (one.objective, one.bound, one.nodes) == (other.objective, other.bound, other.nodes)


def test_answers_come_in_the_order_given_and_alike_on_one_thread_or_three() -> None:
    given = parts()
    alone = [solve_part(part, never) for part in given]
    for threads in (1, 3):
        for one, other in zip(alone, LocalPool(threads).solve(given, should_stop=never), strict=True):
            assert_same(one, other)


def test_answer_is_whole_in_the_binaries_and_its_bound_below_its_cost() -> None:
    for part in parts():
        answer = solve_part(part, never)
        assert answer.values is not None and answer.bound <= answer.objective <= answer.bound * (1 + 2e-3)
        assert set(answer.values[part.program.is_binary].tolist()) <= {0.0, 1.0}
        assert answer.objective == float(part.program.cost @ answer.values)


def test_part_and_answer_survive_as_bytes() -> None:
    for part in parts():
        answer = solve_part(part, never)
        again = unpacked(packed(part))
        assert_same(solve_part(again, never), answer)
        assert_same(unpacked_answer(packed(answer), part), answer)
    assert unpacked_answer(packed(NOTHING), parts()[0]) == NOTHING


def test_start_survives_as_bytes_and_is_not_made_worse() -> None:
    part = parts()[0]
    best = solve_part(part, never)
    assert best.values is not None
    lazy = Part(part.program, best.values, gap=0.5, nodes=1, left_s=30.0, seed=1)
    assert solve_part(unpacked(packed(lazy)), never).objective <= best.objective


def test_wish_to_stop_leaves_the_parts_unsolved() -> None:
    started = time.process_time()
    assert LocalPool(2).solve(parts(), should_stop=lambda: True) == [NOTHING] * 3
    assert time.process_time() - started < 5


def spoiled(**changes: object) -> bytes:
    with np.load(io.BytesIO(packed(parts(1)[0]))) as archive:
        arrays = {name: archive[name] for name in archive.files}
    target = io.BytesIO()
    np.savez_compressed(target, **{name: array for name, array in (arrays | changes).items() if array is not None})
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a part"),
        (b"PK\x03\x04 and so on", "not a part"),
        (packed(parts(1)[0])[:-40], "not a part"),
        (spoiled(row=None), "row"),
        (spoiled(upper=np.zeros(3)), "upper has 3 entries"),
        (spoiled(lower=np.array([[0.0]])), "lower has the wrong shape"),
        (spoiled(cost=np.array(["a"])), "cost has the wrong shape or kind"),
        (spoiled(cost=np.array([{"a": 1}], dtype=object)), "Object arrays"),
        (spoiled(column=np.array([10**6], dtype=np.int32)), "column has 1 entries"),
        (spoiled(start=np.zeros(2)), "start has 2 entries"),
        (spoiled(numbers=np.array([np.nan] * 5)), "numbers holds what is not a number"),
    ],
)
def test_bytes_that_are_no_part_are_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        unpacked(content)


def test_column_outside_the_program_is_refused() -> None:
    part = parts(1)[0]
    column = part.program.rows.column.astype(np.int32)
    column[0] = len(part.program.cost)
    with pytest.raises(ValueError, match="column points outside"):
        unpacked(spoiled(column=column))


def test_answer_to_another_part_is_refused() -> None:
    answer = PartAnswer(np.zeros(2), 1.0, 1.0, False, 0)
    with pytest.raises(ValueError, match="start has 2 entries"):
        unpacked_answer(packed(answer), parts(1)[0])
