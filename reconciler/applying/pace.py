"""The pace: how many creates may begin in a second, learned from refusals.

Until the first 429 there is none, so that a service which refuses nothing is not slowed. What was accepted
until then is the first estimate of its limit. After that the pace rises, hardly at first and then faster, and
falls with each further refusal. The longer a refusal makes the run wait, the later the next is risked.

Fewer requests in flight alone would not do: against a sliding window a run that only halves and restores
them takes 1.5 to 2 times as long as the limit allows, and this one at most 1.3 times.
"""

from typing import Final

_MARGIN: Final = 0.9
_BURST_S: Final = 1.0  # most limits are by the second, and the first second's worth is often had at once
_STEEPEST_FALL: Final = 0.5
_WAITS_TO_DOUBLE: Final = 16.0
_CALMER: Final = 2.0
_SHORTEST_WAIT_S: Final = 0.1
_ROUNDNESS: Final = 3
_SURE_VOLLEYS: Final = 2


class Pace:
    """A rate that is learned; every moment is one of the same monotonic clock, in seconds.

    `widest` is how many creates may be in flight: an estimate from fewer than two such volleys is a rough
    one, and is outgrown sooner.
    """

    def __init__(self, widest: int, began_s: float) -> None:
        self._volleys = widest * _SURE_VOLLEYS
        self._since_s = self._refused_s = began_s
        self._successes = 0
        self._base: float | None = None
        self._waits_to_double = 0.0
        self._doubling_s = 0.0

    def interval_s(self, now_s: float) -> float:
        """Return the least time from one beginning to the next; 0 where no limit is known."""
        return 0.0 if self._base is None else 1 / self._risen(self._base, now_s)

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
