"""The pace: how many creates may begin per second, learned from 429 responses.

There is no limit before the first 429. The rate accepted until then is the first estimate of the service's
limit. After that the pace rises, slowly at first and then faster, and falls with each further 429. The longer
the service makes the run wait, the more slowly the pace rises.

Bounding the requests in flight is not enough: against a limit by a sliding window, such a run takes 1.5 to 2
times as long as the limit allows; this one takes at most 1.3 times as long.
"""

from typing import Final

_MARGIN: Final = 0.9
_BURST_S: Final = 1.0  # most limits are per second, and the first second's share is often used at once
_STEEPEST_FALL: Final = 0.5
_WAITS_TO_DOUBLE: Final = 16.0
_CALMER: Final = 2.0
_SHORTEST_WAIT_S: Final = 0.1
_ROUNDNESS: Final = 3
_SURE_VOLLEYS: Final = 2


class Pace:
    """A learned rate. All moments are of one monotonic clock, in seconds.

    `widest` is the largest number of creates in flight. An estimate from fewer than twice as many successes
    is rough, and the pace rises faster from it.
    """

    def __init__(self, widest: int, began_s: float) -> None:
        self._volleys = widest * _SURE_VOLLEYS
        self._since_s = self._refused_s = began_s
        self._successes = 0
        self._base: float | None = None
        self._waits_to_double = 0.0
        self._doubling_s = 0.0

    def interval_s(self, now_s: float) -> float:
        """Return the shortest time between the starts of two creates; 0 without a known limit."""
        return 0.0 if self._base is None else 1 / self._risen(self._base, now_s)

    def succeeded(self) -> None:
        """Count a create that the service accepted."""
        self._successes += 1

    def refused(self, now_s: float) -> None:
        """Learn from a 429 at `now_s`; one without a success since the last 429 is ignored."""
        if self._successes:
            self._learn(now_s)
        self._refused_s = self._since_s = now_s
        self._successes = 0

    def rest(self, until_s: float) -> None:
        """Take into account that no create begins before `until_s`."""
        self._since_s = max(self._since_s, until_s)
        wait_s = max(self._since_s - self._refused_s, _SHORTEST_WAIT_S)
        self._doubling_s = max(self._doubling_s, wait_s * self._waits_to_double)

    def _risen(self, base: float, now_s: float) -> float:
        if not self._doubling_s:
            return base
        return base * (1 + (max(0.0, now_s - self._since_s) / self._doubling_s) ** _ROUNDNESS)

    def _learn(self, now_s: float) -> None:
        taken_a_second = self._successes / max(now_s - self._since_s, _BURST_S)
        if self._base is None:
            self._base = _MARGIN * taken_a_second
            self._waits_to_double = _WAITS_TO_DOUBLE * min(1.0, self._successes / self._volleys)
        else:
            rate = self._risen(self._base, now_s)
            self._base = _MARGIN * min(max(taken_a_second, rate * _STEEPEST_FALL), rate)
            self._waits_to_double = max(self._waits_to_double, _WAITS_TO_DOUBLE) * _CALMER
        self._doubling_s = 0.0
