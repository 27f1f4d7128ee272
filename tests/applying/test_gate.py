"""The gate: bounded, closed for a while and halved by a burst of refusals, widened slowly."""

import asyncio
import itertools

import pytest
from applying_fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st

from reconciler.applying.gate import Gate, Pause


def gate(widest, clock=None, budget_s=300.0):
    """A gate that has just been made."""
    return Gate(widest, clock or FakeClock(), budget_s=budget_s)


async def test_a_burst_halves_the_room_once():
    """Refusals of creates that were in flight together are one reason to slow down."""
    clock = FakeClock()
    tried = gate(8, clock)
    clock.elapsed_s = 1
    assert tried.refused(entered_s=0.5) == 1
    assert tried.refused(entered_s=0.9) == 1
    assert tried.room == 4


async def test_refusals_in_a_row_are_counted_until_a_success():
    """The number is what a back-off grows by."""
    clock = FakeClock()
    tried = gate(8, clock)
    numbers = []
    for _ in range(3):
        clock.elapsed_s += 1
        numbers.append(tried.refused(entered_s=clock.elapsed_s))
    tried.succeeded()
    clock.elapsed_s += 1
    assert [*numbers, tried.refused(entered_s=clock.elapsed_s)] == [1, 2, 3, 1]


async def test_the_room_never_falls_below_one():
    """A run always goes on, if slowly."""
    clock = FakeClock()
    tried = gate(2, clock)
    for _ in range(5):
        clock.elapsed_s += 1
        tried.refused(entered_s=clock.elapsed_s)
    assert tried.room == 1


async def test_successes_give_places_back_up_to_the_widest():
    """A full round of successes gives back one place."""
    tried = gate(4)
    tried.refused(entered_s=0)
    assert tried.room == 2
    tried.succeeded()
    assert tried.room == 2
    tried.succeeded()
    assert tried.room == 3
    for _ in range(20):
        tried.succeeded()
    assert tried.room == 4


async def test_nobody_enters_while_it_is_closed():
    """Entering waits for the longest wait that was asked."""
    clock = FakeClock()
    tried = gate(2, clock)
    assert tried.hold(3) is Pause.BEGUN
    assert tried.hold(5) is Pause.GOES_ON
    await tried.enter()
    assert clock.elapsed_s == 5


async def test_pauses_beyond_the_budget_are_refused():
    """Where pauses overlap they count once, and one that is too long changes nothing."""
    clock = FakeClock()
    tried = gate(2, clock, budget_s=10)
    assert tried.hold(6) is Pause.BEGUN
    assert tried.hold(6) is Pause.GOES_ON
    clock.elapsed_s = 6
    assert tried.hold(5) is Pause.TOO_LONG
    assert tried.try_enter()
    assert tried.hold(4) is Pause.BEGUN


async def test_a_success_renews_the_budget():
    """Only waiting that makes no progress counts."""
    clock = FakeClock()
    tried = gate(2, clock, budget_s=10)
    for _ in range(5):
        assert tried.hold(10) is Pause.BEGUN
        clock.elapsed_s += 10
        assert tried.hold(1) is Pause.TOO_LONG
        tried.succeeded()


async def test_a_full_gate_lets_in_who_waits_when_one_leaves():
    """Places are handed on."""
    tried = gate(1)
    await tried.enter()
    waiting = asyncio.create_task(tried.enter())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    tried.leave()
    await asyncio.wait_for(waiting, timeout=5)


async def test_who_waits_is_not_overtaken():
    """A newcomer does not take the place that somebody waits for."""
    tried = gate(1)
    await tried.enter()
    waiting = asyncio.create_task(tried.enter())
    await asyncio.sleep(0)
    tried.leave()
    assert not tried.try_enter()
    await asyncio.wait_for(waiting, timeout=5)


async def test_who_gives_up_waiting_holds_nobody_up():
    """A cancelled wait hands its turn on."""
    tried = gate(1)
    await tried.enter()
    waiting = [asyncio.create_task(tried.enter()) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    tried.leave()
    await asyncio.wait_for(waiting[1], timeout=5)
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]


async def test_the_first_refusal_sets_a_pace():
    """Ten taken in the first second: a little less than ten a second from then on, evenly."""
    clock = FakeClock()
    tried = gate(4, clock)
    for _ in range(10):
        tried.succeeded()
    clock.elapsed_s = 1
    tried.refused(entered_s=1)
    tried.hold(1)
    entered = []
    for _ in range(10):
        await tried.enter()
        tried.leave()
        entered.append(clock.elapsed_s)
    gaps = [late - early for early, late in itertools.pairwise(entered[1:])]
    assert entered[0] == 2
    assert all(1 / 10 < gap <= 1 / 9 for gap in gaps)


class Checked:
    """A gate that is driven step by step, and checked after each."""

    def __init__(self, widest, budget_s):
        self.clock = FakeClock()
        self.gate = gate(widest, self.clock, budget_s)
        self.in_flight = 0
        self.closed_until_s = 0.0
        self.closed_s = 0.0

    def enter(self, _seconds):
        """Somebody may begin only where there is room, and while it is open."""
        if self.gate.try_enter():
            assert self.in_flight < self.gate.room
            assert self.clock.elapsed_s >= self.closed_until_s
            self.in_flight += 1

    def leave(self, _seconds=0.0):
        """One ends."""
        if self.in_flight:
            self.gate.leave()
            self.in_flight -= 1

    def succeed(self, _seconds):
        """One was created: from here on, pauses count anew."""
        self.gate.succeeded()
        self.closed_s = 0.0

    def refuse(self, _seconds):
        """One was refused that began just now."""
        self.gate.refused(entered_s=self.clock.elapsed_s)

    def wait(self, seconds):
        """Time passes."""
        self.clock.elapsed_s += seconds

    def hold(self, seconds):
        """A pause is asked for."""
        if self.gate.hold(seconds) is not Pause.TOO_LONG:
            begins_s = max(self.closed_until_s, self.clock.elapsed_s)
            self.closed_until_s = max(self.closed_until_s, self.clock.elapsed_s + seconds)
            self.closed_s += self.closed_until_s - begins_s


STEPS = st.sampled_from(["enter", "leave", "succeed", "refuse", "hold", "wait"])


@given(st.lists(st.tuples(STEPS, st.floats(0.01, 5)), max_size=80), st.integers(1, 6), st.floats(0, 20))
def test_any_sequence_keeps_the_bounds(steps, widest, budget_s):
    """Nobody in without room or while closed, pauses within the budget, and in the end all room is back."""

    async def play():
        checked = Checked(widest, budget_s)
        for step, seconds in steps:
            getattr(checked, step)(seconds)
            assert 1 <= checked.gate.room <= widest
            assert checked.closed_s <= budget_s + 1e-9
        while checked.in_flight:
            checked.leave()
        for _ in range(widest * widest):
            checked.gate.succeeded()
        assert checked.gate.room == widest
        await asyncio.wait_for(checked.gate.enter(), timeout=5)

    asyncio.run(play())
