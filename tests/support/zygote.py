"""A process that has loaded what a command needs and forks a child for each, ten times as fast.

As a script it loads the modules that its arguments name. Then it reads one JSON object a line, {"arguments",
"folder", "variables"}, and answers with the child's exit code, negative for a signal.
"""

import gc
import json
import os
import subprocess
import sys
from importlib import import_module

LIBRARIES = (
    "asyncio",
    "anyio._backends._asyncio",
    "deepdiff",
    "httpx",
    "jsonschema",
    "rich.progress",
    "yaml",
)
PRODUCT = (
    "reconciler.api",
    "reconciler.backends.file",
    "reconciler.cli.reading",
    "reconciler.cli.running",
    "reconciler.cli.sending",
    "reconciler.cli.settling",
    "reconciler.outputs.plan_text",
    "reconciler.outputs.report_text",
)


class Zygote:
    """Runs commands of the product, each in a child of its own.

    A child finds `modules` loaded. What the product reads from the environment when it is loaded counts only
    where the product is not among them.
    """

    def __init__(self, modules=LIBRARIES):
        self._modules = modules

    def __enter__(self):
        command = [sys.executable, __file__, *self._modules]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, *arguments, folder, variables):
        """The exit code of a command, and what it printed on standard output and standard error."""
        asked = {"arguments": arguments, "folder": str(folder), "variables": variables}
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return code, (folder / "printed.1").read_text(), (folder / "printed.2").read_text()


def _become(asked):
    os.environ.clear()
    os.environ.update(asked["variables"])
    os.chdir(asked["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(f"printed.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    code = import_module("reconciler.cli").main(asked["arguments"])
    sys.stdout.flush()
    return code


def _serve():
    for name in sys.argv[1:]:
        import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                code = _become(json.loads(line))
            except SystemExit as leaving:
                code = leaving.code if isinstance(leaving.code, int) else 1
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
