"""The chosen environment, and the service and state that a plan is for."""

import enum
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from reconciler.model.diagnostics import Position
from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.terms import Term


class Destination(Struct, frozen=True, kw_only=True, rename="camel"):
    """The environment, service, installs and state that a plan is for.

    `environment` is the name of the chosen one; None if the workspace has no environments. `api_url` is the
    service's base URL, normalised. `install_sids` are those of all declared exams, sorted. `state` is the
    state's URL, without credentials. `api_url` and `state` are None only in saved plans of format 1.
    """

    environment: str | None = None
    api_url: str | None = None
    install_sids: tuple[InstallSid, ...] = ()
    state: str | None = None

    @property
    def in_words(self) -> str:
        """All known parts, on one line."""
        parts = (
            "" if self.environment is None else f"environment {self.environment}",
            "" if self.api_url is None else f"service {self.api_url}",
            f"install {', '.join(self.install_sids)}" if self.install_sids else "",
            "" if self.state is None else f"state {self.state}",
        )
        return ", ".join(filter(None, parts))

    @property
    def place(self) -> str:
        """Environment and service as words that follow a verb, such as `in staging at https://…`."""
        parts = (
            "" if self.environment is None else f"in {self.environment}",
            "" if self.api_url is None else f"at {self.api_url}",
        )
        return " ".join(filter(None, parts))


class NamedBy(enum.Enum):
    """What names the service of a command, highest precedence first."""

    CHOICE = "--api-url or the workspace file"
    VARIABLE = "the variable SMARTERPROCTORING_URL"
    STATE = "the state"
    DEFAULT = "nobody"


class ServiceUrl(Struct, frozen=True, kw_only=True):
    """The service of a command.

    `url` is normalised. `contradiction` is the normalised URL of the variable, if it differs from that of the
    environment and no option decides.
    """

    url: str
    named_by: NamedBy
    contradiction: str | None = None


URL_VARIABLE: Final = "SMARTERPROCTORING_URL"
"""The variable that names the service if neither an option nor the environment does."""

TOKEN_VARIABLE: Final = "SMARTERPROCTORING_TOKEN"  # noqa: S105 - a name
"""The variable that holds the API token if no option gives one."""

UNSAID: Final = Destination()
"""A destination of which nothing is known."""


class Environment(Struct, frozen=True, kw_only=True):
    """What `--env` chose from the workspace file; for a field of None the manifest or an option decides.

    `name` is None if none is chosen; `names` are those of all environments of the workspace. `users` maps
    aliases to `US…` SIDs. `places` maps dotted paths of values to their position in the workspace file, if it
    is known. `terms` are those of the workspace, by name.
    """

    name: str | None = None
    names: tuple[str, ...] = ()
    api_url: str | None = None
    state_url: str | None = None
    install_sid: InstallSid | None = None
    timezone: str | None = None
    courses: Mapping[str, CourseSid] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Position] = field(default_factory=dict)
    terms: Mapping[str, Term] = field(default_factory=dict)
