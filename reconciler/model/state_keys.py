"""The keys that an encrypted state is read and written with."""

from typing import Final

from reconciler.values import dataclass, field

OLD_STATE_KEY_VARIABLE: Final = "RECONCILER_STATE_KEY_OLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateKeys:
    """`present` reads and writes, `previous` only reads; None where there is none. Nothing may print them."""

    present: str | None = field(default=None, repr=False)
    previous: str | None = field(default=None, repr=False)
