"""The table of all races at the end of a run."""

import pytest

from tests.races.tally import tallies


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for tally in tallies:
        terminalreporter.write_line(str(tally))
