"""A few of the matrix in every run of the tests; all of it: script/faults."""

import pytest

from tests.faults.matrix import all_faults

QUICK = ("gateway-killed-before-fsync", "web-killed-between-insert-and-commit", "many-terminals-in-brief")


@pytest.mark.chaos
@pytest.mark.parametrize("name", QUICK)
def test_every_alarm_is_told_once_to_everybody_entitled(name, tmp_path):
    fault = all_faults()[name]
    with fault.staged(tmp_path) as scene:
        fault.run(scene)
