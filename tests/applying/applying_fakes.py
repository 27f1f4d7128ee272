"""Fakes of the ports that an executor needs: a few lines each."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from reconciler.applying.executor import Executor
from reconciler.applying.requests import CreateRequest
from reconciler.applying.stopping import Stopping
from reconciler.model.declarations import Declaration
from reconciler.model.diagnostics import Position
from reconciler.model.errors import StateUnavailable
from reconciler.model.identities import Address, AttemptId, CourseSid, ExamSid, InstallSid
from reconciler.model.payloads import digest_of
from reconciler.model.records import IntentRecord
from reconciler.model.secrets import EnvSecret, SecretUse
from reconciler.model.verdicts import Created, NotSent
from reconciler.service.retry import BackOff

START = datetime(2031, 9, 1, tzinfo=UTC)
PASSWORD = "hunter2"
COURSE = CourseSid("CU" + "2" * 32)


class FakeClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self):
        self.elapsed_s = 0.0
        self.suspended_s = 0.0
        self.sleeps = []

    def now(self):
        """The start, and what was slept since."""
        return START + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self):
        """Seconds slept."""
        return self.elapsed_s

    def stopwatch(self):
        """Seconds slept or suspended."""
        began_s = self.elapsed_s + self.suspended_s
        return lambda: self.elapsed_s + self.suspended_s - began_s

    async def sleep(self, seconds):
        """Pass `seconds` at once."""
        until = self.elapsed_s + seconds
        self.sleeps.append(seconds)
        await asyncio.sleep(0)
        self.elapsed_s = max(self.elapsed_s, until)


class FakeLog:
    """Keeps records; refuses from the `fails_at`th append on (the first is 1)."""

    def __init__(self, events, clock):
        self.records = []
        self.events = events
        self.clock = clock
        self.fails_at = None
        self._appends = 0

    async def append(self, record):
        """Keep `record`, or fail."""
        age_s = self.clock.stopwatch()
        await asyncio.sleep(0)
        self._appends += 1
        if self.fails_at is not None and self._appends >= self.fails_at:
            raise StateUnavailable("no space left", hint="")
        self.records.append(record)
        kind = "intent" if isinstance(record, IntentRecord) else type(record).__name__
        self.events.append((kind, record.address))
        return age_s


class FakeApi:
    """Answers from a script: a verdict for each try of each title, then Created."""

    def __init__(self, events):
        self.script = defaultdict(list)
        self.events = events
        self.bodies = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.blocks = asyncio.Event()
        self.blocks.set()
        self.began = asyncio.Event()

    async def connect(self, title):
        """Nothing; a test may let time pass here."""

    async def create(self, install_sid, course_sid, body, *, confidential, look):
        """The next verdict of the script for this body's exam, if nothing speaks against sending it."""
        del install_sid, course_sid
        assert confidential == (PASSWORD,)
        title = body.decode().split('"title":"')[1].split('"')[0]
        await self.connect(title)
        if (reason := look()) is not None:
            return NotSent(reason=reason)
        self.events.append(("sent", title))
        self.bodies.append(body)
        number = len(self.bodies)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        self.began.set()
        try:
            await asyncio.sleep(0)
            await self.blocks.wait()
        finally:
            self.in_flight -= 1
        if self.script[title]:
            verdict = self.script[title].pop(0)
            if isinstance(verdict, Exception):
                raise verdict
            return verdict
        return Created(sid=ExamSid(f"EX{number:032x}"), status=200)


class FakeProgress:
    """Keeps what it was told."""

    def __init__(self):
        self.told = []
        self.tries = []

    def started(self, total):
        """Keep the total."""
        self.told.append(("started", total))

    def trying(self, begun):
        """Keep the attempt."""
        self.told.append(("trying", begun.address, begun.attempt))

    def tried(self, ended):
        """Keep how the attempt ended."""
        self.told.append(("tried", ended.address, ended.attempt))
        self.tries.append(ended)

    def settled(self, exam):
        """Keep the outcome."""
        self.told.append(("settled", exam.address))

    def waiting(self, seconds, reason):
        """Keep the wait."""
        self.told.append(("waiting", seconds, reason))

    def finished(self):
        """Keep the end."""
        self.told.append(("finished",))


def declaration(address, course_sid=COURSE):
    """An exam of the course whose title is its address."""
    payload = {"title": address, "configuration": {"password": {"fromEnv": "EXAM_SECRET_X"}}}
    return Declaration(
        address=Address(address),
        install_sid=InstallSid("AI" + "1" * 32),
        course_sid=course_sid,
        payload=payload,
        digest=digest_of(payload),
        secrets=(SecretUse(("configuration", "password"), EnvSecret("EXAM_SECRET_X")),),
        declared_at=Position("exams.yaml", 1, 1),
    )


class World:
    """An executor among fakes."""

    def __init__(self):
        self.events = []
        self.clock = FakeClock()
        self.log = FakeLog(self.events, self.clock)
        self.api = FakeApi(self.events)
        self.progress = FakeProgress()
        self.stopping = Stopping()
        self.parallelism = 4
        self.retry = BackOff()
        self.known_sids = []
        self.is_ours = lambda: True
        self.courses = {}
        self.fingerprint_key = None
        names = iter(range(10_000))
        self.new_attempt = lambda: AttemptId(f"t{next(names)}")
        self.jitter = lambda: 1.0
        self.token_source = "SMARTERPROCTORING_TOKEN"

    def script(self, address, *verdicts):
        """What the next tries of `address` mean."""
        self.api.script[address].extend(verdicts)

    async def apply(self, *addresses):
        """The report of a run over `addresses`."""
        executor = Executor(
            api=self.api,
            log=self.log,
            clock=self.clock,
            retry=self.retry,
            progress=self.progress,
            stopping=self.stopping,
            parallelism=self.parallelism,
            new_attempt=self.new_attempt,
            jitter=self.jitter,
            by="tester",
            is_ours=self.is_ours,
            service="https://api.example.edu",
            token_source=self.token_source,
            known_sids=self.known_sids,
            fingerprint_key=self.fingerprint_key,
        )
        return await executor.run(
            [
                CreateRequest(
                    declaration=declaration(address, self.courses.get(address, COURSE)), values=(PASSWORD,)
                )
                for address in addresses
            ]
        )

    def sent(self, address):
        """How often `address` was sent."""
        return self.events.count(("sent", address))


class Failing:
    """A stand-in whose method `name` raises `error` at its call number `nth` (the first is 1)."""

    def __init__(self, inner, name, error, *, nth=1):
        self._inner = inner
        self._name = name
        self._error = error
        self._left = nth

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        return self._counted(found) if name == self._name else found

    def _counted(self, call):
        def called(*arguments, **options):
            self._left -= 1
            if self._left == 0:
                raise self._error.with_traceback(None)
            return call(*arguments, **options)

        return called
