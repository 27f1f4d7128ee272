"""The location of a test's state, whose other processes are children of a warm one."""

import os
import subprocess

import zygote

from reconciler.fault_points import VARIABLE
from reconciler.stores.conformance import Place


class WarmPlace(Place, frozen=True, kw_only=True):
    """A `Place` that starts its processes in a tenth of the time."""

    def start(self, *words: str, fault: str | None = None) -> "subprocess.Popen[str]":
        """Start another process that uses this place; it can be talked to line by line."""
        variables = {**os.environ, **self.environ, VARIABLE: fault or ""}
        return zygote.start(
            self.url,
            str(self.root),
            *words,
            executable="reconciler.stores.conformance",
            cwd=self.root,
            env=variables,
            stdin=subprocess.PIPE,
            stderr=None,
        )
