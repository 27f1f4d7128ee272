"""The environment that was chosen, and where the exams of a plan go."""

import enum
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from reconciler.model.diagnostics import Position
from reconciler.model.identities import CourseSid, InstallSid


class Destination(Struct, frozen=True, kw_only=True, rename="camel"):
    """The environment, service, installs and state that a plan is for.

    `environment` is the name of the one that was chosen; None where the workspace has none. `api_url` is the
    service's base URL, normalised. `install_sids` are those of all declared exams, sorted. `state` is the
    state's URL, without credentials. `api_url` and `state` are None in a saved plan of format 1, which does
    not say.
    """

    environment: str | None = None
    api_url: str | None = None
    install_sids: tuple[InstallSid, ...] = ()
    state: str | None = None

    @property
    def in_words(self) -> str:
        """All of it on one line, as far as it is known."""
        parts = (
            "" if self.environment is None else f"environment {self.environment}",
            "" if self.api_url is None else f"service {self.api_url}",
            f"install {', '.join(self.install_sids)}" if self.install_sids else "",
            "" if self.state is None else f"state {self.state}",
        )
        return ", ".join(filter(None, parts))

    @property
    def place(self) -> str:
        """Environment and service as words that follow a verb, as far as they are known."""
        parts = (
            "" if self.environment is None else f"in {self.environment}",
            "" if self.api_url is None else f"at {self.api_url}",
        )
        return " ".join(filter(None, parts))


class NamedBy(enum.Enum):
    """Who names the service that a command means, the strongest first."""

    CHOICE = "--api-url or the workspace file"
    VARIABLE = "the variable SMARTERPROCTORING_URL"
    STATE = "the state"
    DEFAULT = "nobody"


class ServiceUrl(Struct, frozen=True, kw_only=True):
    """The service that a command means.

    `url` is normalised. `contradiction` is the URL of the variable, normalised, if the environment names
    another one and no option decides.
    """

    url: str
    named_by: NamedBy
    contradiction: str | None = None


URL_VARIABLE: Final = "SMARTERPROCTORING_URL"
"""The variable that names a service where neither an option nor the environment does."""

UNSAID: Final = Destination()
"""Nothing is known of where a plan goes."""


class Environment(Struct, frozen=True, kw_only=True):
    """What `--env` chose from the workspace file; every None means that the manifest or an option decides.

    `name` is None where the workspace has no environments or no workspace file.
    `users` maps aliases to `US…` SIDs. `places` says where in the workspace file a value is written, by its
    dotted path, as far as that is known.
    """

    name: str | None = None
    api_url: str | None = None
    state_url: str | None = None
    install_sid: InstallSid | None = None
    timezone: str | None = None
    courses: Mapping[str, CourseSid] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Position] = field(default_factory=dict)
