"""`python -m optimization` inside the tests' own process: to start another costs about two seconds each time."""

from __future__ import annotations

import io
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from optimization.__main__ import main


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    words, out, err = [str(word) for word in arguments], io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), own_signals():
        try:
            code = main(words)
        except SystemExit as ended:
            assert isinstance(ended.code, int)
            code = ended.code
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@contextmanager
def own_signals() -> Iterator[None]:
    """The command takes the signals that stop it, and its process ends with it: here pytest needs them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
