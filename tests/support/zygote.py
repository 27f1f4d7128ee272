"""Run commands of the product in children of a warm process, which has loaded the product already.

This is ten times as fast as a new process. `start` and `run` replace `subprocess.Popen` and `subprocess.run`
of `python -m reconciler`. What a command does or imports when it starts is tested with real processes.

As a script, this module is the warm process: its argument is the number of a socket. It forks a child for
each request on that socket, and ends when the socket is closed.
"""

import atexit
import contextlib
import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from functools import cache
from importlib import import_module

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
        folder, variables, pipes = given[4], given[5], given[9:15]
        theirs = enumerate(pipes[number] for number in (0, 3, 5))
        streams = [number if stream == -1 else stream for number, stream in theirs]
        settings = {name: text for name, text in variables.items() if name.startswith(SETTINGS)}
        settings["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")  # the child adds its own
        try:
            asked = {"arguments": arguments, "folder": os.fspath(folder), "variables": variables}
            self._told = _warm(frozenset(settings.items())).ask(asked, streams)
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


@cache
def _warm(settings):
    return _Warm(dict(settings))


class _Warm:
    """A warm process, as its clients see it."""

    def __init__(self, settings):
        self._alone = threading.Lock()
        self._channel, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, env=settings, pass_fds=[theirs.fileno()])
        ENDED_LAST.callback(self._end)

    def ask(self, asked, streams):
        """Ask for a child; return a socket on which its process id comes, and later its exit status."""
        ours, theirs = socket.socketpair()
        with self._alone, theirs:
            socket.send_fds(self._channel, [json.dumps(asked).encode() + b"\n"], [*streams, theirs.fileno()])
        return ours

    def _end(self):
        self._channel.close()
        self._process.wait()


class _Server:
    """The warm process."""

    def __init__(self, channel):
        self._channel = channel
        self._askers = {}
        signal.signal(signal.SIGCHLD, self._reap)

    def serve(self):
        """Fork for each request; in the child, return the request."""
        while True:
            text, descriptors = self._receive()
            asker = socket.socket(fileno=descriptors.pop())
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            pid = os.fork()
            if pid == 0:
                self._leave(asker)
                _take(descriptors)
                return json.loads(text)
            self._askers[pid] = asker
            asker.send(NUMBER.pack(pid))
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            for descriptor in descriptors:
                os.close(descriptor)

    def _receive(self):
        text, descriptors = b"", []
        while not text.endswith(b"\n"):
            part, more, *_ = socket.recv_fds(self._channel, 1 << 16, 4)
            if not part:
                sys.exit()
            text += part
            descriptors += more
        return text, descriptors

    def _reap(self, *_):
        while self._askers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._askers.pop(pid) as asker:
                asker.send(NUMBER.pack(status))

    def _leave(self, asker):
        for held in (self._channel, asker, *self._askers.values()):
            held.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


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
    sys.argv = ["reconciler", *asked["arguments"]]
    sys.path[:1] = [asked["folder"], *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    with contextlib.suppress(ModuleNotFoundError):
        import_module("sitecustomize")


def _load():
    register = atexit.register
    atexit.register = lambda function, *_, **__: function  # a child ends at once, as most commands do
    package = import_module("reconciler")
    for module in pkgutil.walk_packages(package.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for name in LIBRARIES:
        import_module(name)
    atexit.register = register
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    try:
        _become(_Server(socket.socket(fileno=int(sys.argv[1]))).serve())
    except KeyboardInterrupt:
        os._exit(130)
    runpy.run_module("reconciler", run_name="__main__")
