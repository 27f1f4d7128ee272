"""What holds for every test: nothing of the machine's own settings reaches it, and slowness is no failure."""

import os
import signal
from tempfile import TemporaryDirectory

import pytest
import zygote
from hypothesis import settings

_FOREIGN_NAMES = (
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "NO_COLOR",
    "RECONCILER_STATE_KEY",
    "RECONCILER_STATE_KEY_OLD",
    "SANDBOX_TOKEN",
    "TTY_COMPATIBLE",
)
_FOREIGN_PREFIXES = ("EXAM_SECRET_", "SMARTERPROCTORING_", "TF_HTTP_")

for name in list(os.environ):
    if name in _FOREIGN_NAMES or name.startswith(_FOREIGN_PREFIXES):
        del os.environ[name]

# What a machine keeps for itself, such as the key of its recovery files, is kept for the tests alone.
_MACHINE = TemporaryDirectory(prefix="reconciler-tests-")
os.environ["XDG_STATE_HOME"] = _MACHINE.name

# A suite that a shell started in the background ignores ^C, one under `nohup` a hangup, and so would whatever
# a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# A shared machine may stall for longer than any deadline; pytest-timeout bounds a test as a whole.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")


def pytest_sessionfinish() -> None:
    """Warm processes end before what they measured is put together."""
    zygote.ENDED_LAST.close()


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that signal what they start: the measuring of coverage holds a lock now and then.

    It is not given back where a signal's handler raises just then, and the process hangs.
    """
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each processor: every other test waits for a process or a time limit."""
    return 2 * (os.cpu_count() or 1)
