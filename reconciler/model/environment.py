"""An environment: the values that win over a manifest's."""

from collections.abc import Mapping

from msgspec import Struct, field

from reconciler.model.identities import CourseSid, InstallSid
from reconciler.model.positions import Position


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
