"""Settings of a sandbox."""

import ipaddress
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.sandbox.faults import Fault

DEFAULT_PORT: Final = 8400

_MAX_PORT: Final = 65_535


class SandboxUnusable(Exception):
    """The sandbox cannot start; the message says why and what to do."""


class Settings(Struct, frozen=True, kw_only=True):
    """How a sandbox listens, what it accepts and where it keeps exams.

    `port` 0 lets the system choose one. `store` is the file that keeps the exams; None keeps them in memory.
    `token` is the only accepted token; None accepts any but an empty one. `verbose` logs a line per request.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    store: Path | None = None
    token: str | None = None
    faults: tuple[Fault, ...] = ()
    verbose: bool = False

    def __repr__(self) -> str:
        return f"Settings({self.host}:{self.port})"  # without the token


def check_settings(settings: Settings) -> None:
    """Raise SandboxUnusable unless host, port and token are usable; the host must be loopback."""
    if not is_loopback(settings.host):
        raise SandboxUnusable(
            f"the sandbox listens on loopback only, and {settings.host!r} is not: "
            "use 127.0.0.1, ::1 or localhost"
        )
    if not 0 <= settings.port <= _MAX_PORT:
        raise SandboxUnusable(f"{settings.port} is not a port: use 1 to {_MAX_PORT}, or 0 to have one chosen")
    if settings.token == "":
        raise SandboxUnusable("the token is empty: give one, or leave the option out to accept any token")


def is_loopback(host: str) -> bool:
    """Whether `host` is a loopback address or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
