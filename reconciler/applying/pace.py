"""The pace: how many creates may begin in a second, learned from refusals.

Until the first 429 there is none, so that a service which refuses nothing is not slowed. What was accepted
until then is the first estimate of its limit. After that the pace rises, hardly at first and then faster, and
falls with each further refusal. The longer a refusal makes the run wait, the later the next is risked.
"""

from typing import Final

_MARGIN: Final = 0.95
_MARGIN_IF_SOON: Final = 0.85
_SOON_S: Final = 2.0
_BURST_S: Final = 1.0  # most limits are by the second, and the first second's worth is often had at once
_STEEPEST_FALL: Final = 0.5
_WAITS_TO_DOUBLE: Final = 16.0
_CALMER: Final = 2.0
_SHORTEST_WAIT_S: Final = 0.1
_ROUNDNESS: Final = 3
_MOST_DOUBLINGS: Final = 100.0
_SURE_VOLLEYS: Final = 2


class Pace:
    """A rate that is learned; every moment is one of the same monotonic clock, in seconds.

    `widest` is how many creates may be in flight: an estimate from fewer than two such volleys is a rough
    one, and is outgrown sooner.
    """

    def __init__(self, widest: int, began_s: float) -> None:
        self._volleys = widest * _SURE_VOLLEYS
        self._since_s = began_s
        self._refused_s = began_s
        self._successes = 0
        self._base: float | None = None
        self._sureness = 1.0
        self._doubling_s = 0.0

    def interval_s(self, now_s: float) -> float:
        """The least time from one beginning to the next; 0 where no limit is known."""
        rate = self._rate(now_s)
        return 0.0 if rate is None else 1 / rate

    def succeeded(self) -> None:
        """Note that the service took a create."""
        self._successes += 1

    def refused(self, now_s: float) -> None:
        """Learn from a 429 at `now_s`; if nothing was taken since the last one, there is nothing to learn."""
        if self._successes:
            self._learn(now_s)
        self._refused_s = self._since_s = now_s
        self._successes = 0

    def rest(self, until_s: float) -> None:
        """Know that nobody begins before `until_s`."""
        self._since_s = max(self._since_s, until_s)
        wait_s = max(self._since_s - self._refused_s, _SHORTEST_WAIT_S)
        self._doubling_s = max(self._doubling_s, wait_s * _WAITS_TO_DOUBLE * self._sureness)

    def _rate(self, now_s: float) -> float | None:
        if self._base is None:
            return None
        if not self._doubling_s:
            return self._base
        risen = min(max(0.0, now_s - self._since_s) / self._doubling_s, _MOST_DOUBLINGS)
        return self._base * (1 + risen**_ROUNDNESS)

    def _learn(self, now_s: float) -> None:
        took_s = now_s - self._since_s
        taken_a_second = self._successes / max(took_s, _BURST_S)
        rate = self._rate(now_s)
        if rate is None:
            self._base = _MARGIN * taken_a_second
            self._sureness = min(1.0, self._successes / self._volleys)
        else:
            margin = _MARGIN if took_s >= _SOON_S else _MARGIN_IF_SOON
            self._base = margin * min(max(taken_a_second, rate * _STEEPEST_FALL), rate)
            self._sureness = max(self._sureness, 1.0) * _CALMER
        self._doubling_s = 0.0
