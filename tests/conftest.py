"""What holds for every test: nothing of the machine's own settings reaches it, and slowness is no failure."""

import os

from hypothesis import settings

_FOREIGN_NAMES = (
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "NO_COLOR",
    "RECONCILER_CACHE",
    "RECONCILER_STATE_KEY",
    "RECONCILER_STATE_KEY_OLD",
    "SANDBOX_TOKEN",
    "TTY_COMPATIBLE",
)
_FOREIGN_PREFIXES = ("EXAM_SECRET_", "SMARTERPROCTORING_", "TF_HTTP_")

for name in list(os.environ):
    if name in _FOREIGN_NAMES or name.startswith(_FOREIGN_PREFIXES):
        del os.environ[name]

# A shared machine may stall for longer than any deadline; pytest-timeout bounds a test as a whole.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
