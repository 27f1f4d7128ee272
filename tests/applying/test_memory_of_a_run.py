"""Memory: a run keeps a line of its report and an entry of state for each exam that it sent, no more."""

import asyncio
import gc
import tracemalloc
from functools import partial
from itertools import count

import pytest
from applying_fakes import declaration
from raw_server import ok
from session_stores import open_session

from reconciler.applying.executor import Executor
from reconciler.applying.requests import CreateRequest
from reconciler.applying.stopping import Stopping
from reconciler.host import SystemClock, lock_info, new_attempt
from reconciler.model.identities import ExamSid
from reconciler.model.verdicts import Created
from reconciler.outputs.text.progress import QuietProgress
from reconciler.service.client import HttpExamApi
from reconciler.service.retry import BackOff
from reconciler.state.group_commit import GroupCommit
from reconciler.state.initialising import initialise
from reconciler.stores.opening import open_store

LINE_BYTES = 2000
"""A line of the report, an entry without its payload, and what an exam's places in collections take."""
BODY_BYTES = 5000


def requests(number, *, after=0):
    """So many creates, each of a body that would be seen if it stayed; `after` are the ones before."""
    made = []
    for index in range(after, after + number):
        declared = declaration(f"e{index}")
        declared.payload["studentNotes"] = "x" * BODY_BYTES
        made.append(CreateRequest(declaration=declared, values=("hunter2",)))
    return made


class ForgetfulApi:
    """Creates what comes, and remembers nothing of it."""

    def __init__(self):
        self._numbers = count(1)

    async def create(self, *_, **__):
        """Another SID."""
        await asyncio.sleep(0)
        gc.collect()
        return Created(sid=ExamSid(f"EX{next(self._numbers):032x}"), status=200)


@pytest.fixture(autouse=True)
def what_was_before_is_set_aside():
    """The collector does not look through what other tests left, which may take it a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def store(tmp_path):
    """A store with an empty state."""
    made = open_store(f"file:{tmp_path}/state.json", root=tmp_path)
    initialise(made, lineage="6f2f4c1c-6f0f-4d0e-9f43-0d0f6c4b3a21", lock=lock_info("init"))
    return made


async def run(api, session, to_send):
    """Create all of `to_send`; the report."""
    log = GroupCommit(session, clock=SystemClock())
    executor = Executor(
        api=api,
        log=log,
        clock=SystemClock(),
        retry=BackOff(),
        progress=QuietProgress(),
        stopping=Stopping(),
        parallelism=10,
        new_attempt=new_attempt,
        jitter=lambda: 1.0,
        by="tester",
        is_ours=lambda: True,
    )
    report = await executor.run(to_send)
    assert len(report.created) == len(to_send)
    return report


async def peak_bytes(work):
    """The most memory that `work` took at once, above what there was before it.

    `work` collects garbage after each create: when the collector runs by itself depends on the tests before.
    """
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def test_what_was_sent_does_not_stay_in_memory(store):
    """Twenty times as many creates take more memory only by their lines in the report."""
    few, many, api = requests(50), requests(1000, after=50), ForgetfulApi()
    with open_session(store, lock=lock_info("apply"), timeout_s=1) as session:
        first = await peak_bytes(partial(run, api, session, few))
        later = await peak_bytes(partial(run, api, session, many))
    assert later - first < (len(many) - len(few)) * LINE_BYTES


async def answer(numbers, reader, writer):
    """Read a request, create its exam, and keep nothing of it."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    writer.write(ok(b'{"sid": "EX%032x"}' % next(numbers)))
    await writer.drain()
    writer.close()
    gc.collect()


async def test_nothing_of_an_exchange_stays_in_memory(store):
    """Requests, connections and answers of the real client go with the create that they were for."""
    few, many = requests(50, after=50), requests(350, after=100)
    server = await asyncio.start_server(partial(answer, count(1)), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with open_session(store, lock=lock_info("x"), timeout_s=1) as session:
        api = HttpExamApi(url, "a.token.x", timeout_s=5)
        async with server:
            await run(api, session, requests(50))  # loads and fills what is loaded and filled once
            first = await peak_bytes(partial(run, api, session, few))
            later = await peak_bytes(partial(run, api, session, many))
    assert later - first < (len(many) - len(few)) * BODY_BYTES / 2


async def test_a_fold_keeps_no_second_copy_of_what_was_sent(store):
    """State then holds the very payloads that were declared."""
    to_send = requests(3)
    with open_session(store, lock=lock_info("apply"), timeout_s=1) as session:
        await run(ForgetfulApi(), session, to_send)
        state = session.finish()
    for one in to_send:
        assert state.exams[one.declaration.address].payload is one.declaration.payload
