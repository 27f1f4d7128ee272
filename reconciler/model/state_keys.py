"""The keys that an encrypted state is read and written with."""

from typing import Final

from reconciler.model.secrets import Unprintable

OLD_STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY_OLD"


class StateKeys(Unprintable, frozen=True, kw_only=True):
    """`present` reads and writes, `previous` only reads; None where there is none."""

    present: str | None = None
    previous: str | None = None
