"""A wall clock that is set back during a run: durations do not come from it, so only dates are wrong."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from applying_fakes import START, FakeClock, World

from reconciler.model.records import CreatedRecord, IntentRecord
from reconciler.model.report import Outcome
from reconciler.model.verdicts import Throttled

NAMES = [f"e{number}" for number in range(6)]


class ClockSetBack(FakeClock):
    """A clock whose hands are an hour earlier at each look."""

    def __init__(self):
        super().__init__()
        self.looks = 0

    def now(self):
        """An hour before the last answer."""
        self.looks += 1
        return super().now() - timedelta(hours=self.looks)


@pytest.fixture
def world():
    """An executor whose clock goes back."""
    made = World()
    made.clock = ClockSetBack()
    return made


async def test_each_exam_is_created_once(world):
    """Outcomes dated before their intents are outcomes all the same."""
    report = await world.apply(*NAMES)
    assert {exam.outcome for exam in report.exams} == {Outcome.CREATED}
    assert [world.sent(name) for name in NAMES] == [1] * len(NAMES)
    began = {record.address: record.intent.started_at for record in world.log.records
             if isinstance(record, IntentRecord)}  # fmt: skip
    assert all(
        record.at < began[record.address] for record in world.log.records if isinstance(record, CreatedRecord)
    )


async def test_a_wait_in_seconds_is_as_long_as_asked(world):
    """The gate opens by the steady clock."""
    world.script("e0", Throttled(retry_after="7", reason="slow down"))
    report = await world.apply("e0")
    assert report.exams[0].outcome is Outcome.CREATED
    assert world.clock.elapsed_s == pytest.approx(7)


async def test_a_wait_to_a_date_stays_within_the_budget(world):
    """A date that seems hours away is not slept for: the exam fails without doubt, and is not sent again."""
    date = format_datetime(START + timedelta(seconds=2), usegmt=True)
    world.script("e0", Throttled(retry_after=date, reason="slow down"))
    report = await world.apply("e0")
    assert report.exams[0].outcome is Outcome.FAILED
    assert world.clock.elapsed_s <= world.retry.budget_s
    assert world.sent("e0") == 1
