"""A service that limits the rate of creates, and an apply against it, in a time that passes only in sleep."""

import asyncio
import itertools
import math
import random
import selectors
from collections import Counter, deque
from datetime import timedelta

from applying_fakes import START, FakeLog, FakeProgress, declaration

from reconciler.applying.executor import Executor
from reconciler.applying.requests import CreateRequest
from reconciler.applying.stopping import Stopping
from reconciler.model.identities import AttemptId, ExamSid
from reconciler.model.verdicts import Created, Throttled
from reconciler.service.retry import BackOff

RATE = 20
FLUSH_S = 0.003


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, lets the time pass."""

    now_s = 0.0

    def select(self, timeout=None):
        """What is ready; where nothing is, `timeout` seconds later."""
        ready = super().select(0)
        if timeout is None and not ready:
            raise RuntimeError("everybody waits for something that never comes")
        if not ready and timeout is not None:
            self.now_s += max(0.0, timeout)
        return ready


class PlayedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps over every wait."""

    def __init__(self):
        self._played = _Selector()
        super().__init__(self._played)

    def time(self):
        """Seconds waited."""
        return self._played.now_s


class LoopClock:
    """The running loop's clock; `skew_s(elapsed)` is how wrong the wall clock is by then."""

    def __init__(self, skew_s=lambda _elapsed_s: 0.0):
        self._skew_s = skew_s

    def now(self):
        """The start, what was waited since, and the skew."""
        elapsed_s = self.monotonic_s()
        return START + timedelta(seconds=elapsed_s + self._skew_s(elapsed_s))

    def monotonic_s(self):
        """Seconds waited."""
        return asyncio.get_running_loop().time()

    def stopwatch(self):
        """Seconds waited since."""
        began_s = self.monotonic_s()
        return lambda: self.monotonic_s() - began_s

    async def sleep(self, seconds):
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class Bucket:
    """A token bucket: `burst` at once, then RATE a second."""

    def __init__(self, burst):
        self._burst = self._tokens = burst
        self._at_s = 0.0

    def wait_s(self, now_s):
        """Seconds until there may be room; 0 where there is, and then it is taken."""
        self._tokens = min(self._burst, self._tokens + (now_s - self._at_s) * RATE)
        self._at_s = now_s
        if self._tokens < 1:
            return (1 - self._tokens) / RATE
        self._tokens -= 1
        return 0.0


class FixedWindow:
    """`most` in each window of `length_s` seconds; the run begins `phase` windows into one."""

    def __init__(self, phase, most=RATE, length_s=1):
        self._phase = phase
        self._most = most
        self._length_s = length_s
        self._taken = Counter()

    def wait_s(self, now_s):
        """As above."""
        moment = now_s / self._length_s + self._phase
        window = math.floor(moment)
        if self._taken[window] >= self._most:
            return (window + 1 - moment) * self._length_s
        self._taken[window] += 1
        return 0.0


class SlidingWindow:
    """RATE in any second."""

    def __init__(self):
        self._taken = deque()

    def wait_s(self, now_s):
        """As above."""
        while self._taken and self._taken[0] <= now_s - 1:
            self._taken.popleft()
        if len(self._taken) >= RATE:
            return self._taken[0] + 1 - now_s
        self._taken.append(now_s)
        return 0.0


class NoLimit:
    """Takes everything."""

    def wait_s(self, _now_s):
        """As above."""
        return 0.0


class LimitedApi:
    """Takes what `limiter` lets in, and answers the rest with 429 and the header that `retry_after` makes."""

    def __init__(self, limiter, retry_after, latency_s, chance):
        self._limiter = limiter
        self._retry_after = retry_after
        self._latency_s = latency_s
        self._chance = chance
        self.taken = Counter()
        self.refused = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.arrivals_s = []

    async def create(self, install_sid, course_sid, body, *, confidential, look):
        """As the port says."""
        del install_sid, course_sid, confidential
        assert look() is None
        loop = asyncio.get_running_loop()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self._half_s())
        self.arrivals_s.append(loop.time())
        wait_s = self._limiter.wait_s(loop.time())
        if wait_s:
            self.refused += 1
            header = self._retry_after(START + timedelta(seconds=loop.time()), wait_s)
            verdict = Throttled(reason="HTTP 429", **header)
        else:
            self.taken[body] += 1
            verdict = Created(sid=ExamSid(f"EX{self.taken.total():032x}"), status=200)
        await asyncio.sleep(self._half_s())
        self.in_flight -= 1
        return verdict

    def _half_s(self):
        return self._latency_s / 2 * (1 + self._chance.random() / 5)


class SlowLog(FakeLog):
    """A log on a disk that takes its time."""

    async def append(self, record):
        """Keep `record` after a while."""
        await asyncio.sleep(FLUSH_S)
        return await super().append(record)


class Played:
    """An apply of `exams` creates against a limited service, played to its end."""

    def __init__(  # noqa: PLR0913 - each is a side of the world that a test turns
        self, exams, *, limiter, retry_after, latency_s=0.05, parallelism=10, clock=None, budget_s=300, seed=0
    ):
        chance = random.Random(seed)  # noqa: S311 - it is to be repeatable
        numbers = itertools.count()
        self.api = LimitedApi(limiter, retry_after, latency_s, chance)
        self.progress = FakeProgress()

        async def play():
            timed = clock or LoopClock()
            executor = Executor(
                api=self.api,
                log=SlowLog([], timed),
                clock=timed,
                retry=BackOff(budget_s=budget_s),
                progress=self.progress,
                stopping=Stopping(),
                parallelism=parallelism,
                new_attempt=lambda: AttemptId(f"t{next(numbers)}"),
                jitter=lambda: 1 + chance.random() / 10,
                by="tester",
                is_ours=lambda: True,
            )
            requests = [CreateRequest(declaration=declaration(f"e{n}"), values=("x",)) for n in range(exams)]
            report = await executor.run(requests)
            return report, asyncio.get_running_loop().time()

        with asyncio.Runner(loop_factory=PlayedLoop) as runner:
            self.report, self.took_s = runner.run(play())

    @property
    def longest_pause_s(self):
        """The longest that the run said to pause, all in all, while nothing was created."""
        longest_s = paused_s = 0.0
        for event, *told in self.progress.told:
            paused_s = paused_s + told[0] if event == "waiting" else paused_s
            if event == "settled" and told[0] in self.report.created:
                paused_s = 0.0
            longest_s = max(longest_s, paused_s)
        return longest_s

    @property
    def paused_s(self):
        """What the run said that it paused, all in all."""
        return sum(told[1] for told in self.progress.told if told[0] == "waiting")
