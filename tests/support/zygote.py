"""Run commands of the product in children of a warm process, which has loaded the product already.

This is ten times as fast as a new process. `start` and `run` replace `subprocess.Popen` and `subprocess.run`
of `python -m reconciler`; `executable` names another module of the product. What a command does or imports
when it starts is tested with real processes. A shell runs a command with the program of `launcher`.

As a script, this module is the warm process. Its arguments are the numbers of a socket, on which it is asked
for children, and of a pipe: it ends when that is closed. Who asks gets the process id and later the exit
status; a child whose asker is gone is killed.
"""

import atexit
import contextlib
import gc
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from importlib import import_module
from pathlib import Path

# Libraries that the product imports in functions, when they are needed.
LIBRARIES = (
    "anyio._backends._asyncio",
    "asyncio",
    "deepdiff",
    "httpx",
    "jsonschema",
    "obstore.store",
    "wcwidth",
    "yaml",
)
PROGRAMS = ("__main__", "conformance")
# Variables that Python heeds only when it starts: a warm process for each set of their values.
SETTINGS = ("COV", "LANG", "LC_", "PYTHON")
NUMBER = struct.Struct("i")
ENDED_LAST = contextlib.ExitStack()
atexit.register(ENDED_LAST.close)


def start(*arguments, cwd, env, **options):
    """Start a command, with the options of `Popen`; by default its output is text in pipes."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return _Forked(arguments, cwd=cwd, env=env, **pipes | options)


def run(*arguments, timeout=60, **options):
    """Run a command to its end, with the options of `start`; return the completed process."""
    with start(*arguments, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


class _Forked(subprocess.Popen):
    """A child of the warm process, which reports its exit status."""

    def _execute_child(self, arguments, *given):
        # As `Popen` numbers them; a pipe that is not wanted is -1.
        module, folder, variables, pipes = given[0] or "reconciler", given[4], given[5], given[9:15]
        theirs = enumerate(pipes[number] for number in (0, 3, 5))
        streams = [number if stream == -1 else stream for number, stream in theirs]
        asked = {"module": module, "arguments": arguments}
        asked |= {"folder": os.fspath(folder), "variables": variables}
        try:
            self._told = socket.socket(socket.AF_UNIX)
            self._told.connect(warm_socket(variables))
            socket.send_fds(self._told, [json.dumps(asked).encode() + b"\n"], streams)
        finally:
            self._close_pipe_fds(*pipes)
        (self.pid,) = NUMBER.unpack(self._told.recv(NUMBER.size))
        self._child_created = True

    def _try_wait(self, wait_flags):
        self._told.setblocking(not wait_flags & os.WNOHANG)
        try:
            (status,) = NUMBER.unpack(self._told.recv(NUMBER.size))
        except BlockingIOError:
            return 0, 0
        self._told.close()
        return self.pid, status

    def _internal_poll(self, _deadstate=None):
        with self._waitpid_lock:
            if self.returncode is None:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)
        return self.returncode


def launcher(**settings):
    """Return the text of a program that runs a command of the product, and hands on signals to it."""
    measured = {name: text for name, text in os.environ.items() if name.startswith("COV")}
    return LAUNCHER.format(python=sys.executable, path=warm_socket(measured | settings))


# Killed, it takes its child with it.
LAUNCHER = """#!{python} -IS
import json, os, signal, socket, sys

asked = {{"module": "reconciler", "arguments": sys.argv[1:]}}
asked |= {{"folder": os.getcwd(), "variables": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as told:
    told.connect({path!r})
    socket.send_fds(told, [json.dumps(asked).encode() + b"\\n"], [0, 1, 2])
    pid = int.from_bytes(told.recv(4), sys.byteorder)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda number, _: os.kill(pid, number))
    code = os.waitstatus_to_exitcode(int.from_bytes(told.recv(4), sys.byteorder))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def warm_socket(variables):
    """Return the path at which a warm process listens that has those of `variables` that Python heeds."""
    settings = {name: text for name, text in variables.items() if name.startswith(SETTINGS)}
    settings["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")  # the child adds its own
    return _listening(frozenset(settings.items()))


@cache
def _listening(settings):
    """Start a warm process that ends with this one."""
    path = Path(ENDED_LAST.enter_context(tempfile.TemporaryDirectory(prefix="warm-")), "socket")
    theirs, ours = os.pipe()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(128)
        numbers = [listener.fileno(), theirs]
        command = [sys.executable, __file__, *map(str, numbers)]
        process = subprocess.Popen(command, env=dict(settings), pass_fds=numbers)
    os.close(theirs)
    ENDED_LAST.callback(process.wait)
    ENDED_LAST.callback(os.close, ours)
    return str(path)


class _Server:
    """The warm process."""

    def __init__(self, listener, parent):
        self._listener = listener
        self._ready = selectors.PollSelector()
        self._ready.register(listener, selectors.EVENT_READ, self._answer)
        self._ready.register(parent, selectors.EVENT_READ, sys.exit)

    def serve(self):
        """Fork for each request; in the child, return the request."""
        while True:
            for key, _ in self._ready.select():
                if asked := key.data():
                    return asked

    def _answer(self):
        asker, _ = self._listener.accept()
        text, streams = _received(asker)
        if not text.endswith(b"\n"):
            return None  # who asks was killed
        pid = os.fork()
        if pid == 0:
            asker.close()
            for held in list(self._ready.get_map().values()):
                socket.close(held.fd) if isinstance(held.fileobj, int) else held.fileobj.close()
            _take(streams)
            return json.loads(text)
        for stream in streams:
            os.close(stream)
        asker.send(NUMBER.pack(pid))
        child = os.pidfd_open(pid)
        self._ready.register(child, selectors.EVENT_READ, lambda: self._reap(pid, child, asker))
        self._ready.register(asker, selectors.EVENT_READ, lambda: self._kill(child, asker))
        return None

    def _reap(self, pid, child, asker):
        _, status = os.waitpid(pid, 0)
        self._ready.unregister(child)
        os.close(child)
        with contextlib.suppress(KeyError):
            self._ready.unregister(asker)
        with asker, contextlib.suppress(BrokenPipeError):
            asker.send(NUMBER.pack(status))

    def _kill(self, child, asker):
        if asker.fileno() != -1:
            self._ready.unregister(asker)
            signal.pidfd_send_signal(child, signal.SIGKILL)


def _received(asker):
    text, descriptors, part = b"", [], b"begun"
    while part and not text.endswith(b"\n"):
        part, more, *_ = socket.recv_fds(asker, 1 << 16, 3)
        text += part
        descriptors += more
    return text, descriptors


def _take(descriptors):
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _become(asked):
    os.environ.clear()
    os.environ.update(asked["variables"])
    time.tzset()
    os.chdir(asked["folder"])
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    sys.argv = [asked["module"], *asked["arguments"]]
    sys.path[:1] = [asked["folder"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with contextlib.suppress(ModuleNotFoundError):
        import_module("sitecustomize")


def _run(module):
    """Run `module` as a program, and end at once.

    Python would take apart all that is loaded, which takes longer than most commands.
    """
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, int):
            _end(ended.code)
        raise
    _end(0)


def _end(code):
    threading._shutdown()
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):  # Python ends such a process otherwise
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _load():
    register = atexit.register
    atexit.register = lambda function, *_, **__: function  # a child ends at once, as most commands do
    package = import_module("reconciler")
    for module in pkgutil.walk_packages(package.__path__, "reconciler."):
        if not module.name.endswith(PROGRAMS):
            import_module(module.name)
    for name in LIBRARIES:
        import_module(name)
    atexit.register = register
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    try:
        listener, parent = map(int, sys.argv[1:])
        asked = _Server(socket.socket(fileno=listener), parent).serve()
        _become(asked)
    except KeyboardInterrupt:
        os._exit(130)
    _run(asked["module"])
