"""The gate: bounded, halved by a burst of refusals, widened slowly."""

import asyncio

from applying_fakes import FakeClock

from reconciler.applying import Gate


async def test_a_burst_halves_the_room_once():
    """Refusals that arrive while the gate is closed already are the same burst."""
    gate = Gate(8, FakeClock())
    assert gate.throttle(2)
    assert not gate.throttle(2)
    assert gate.room == 4


async def test_the_room_never_falls_below_one():
    """A run always goes on, if slowly."""
    clock = FakeClock()
    gate = Gate(2, clock)
    for _ in range(5):
        gate.throttle(1)
        clock.elapsed_s += 1
    assert gate.room == 1


async def test_successes_give_places_back_up_to_the_widest():
    """A full round of successes gives back one place."""
    gate = Gate(4, FakeClock())
    gate.throttle(1)
    assert gate.room == 2
    gate.widen()
    assert gate.room == 2
    gate.widen()
    assert gate.room == 3
    for _ in range(20):
        gate.widen()
    assert gate.room == 4


async def test_nobody_enters_while_it_is_closed():
    """Entering waits for the longest wait that was asked."""
    clock = FakeClock()
    gate = Gate(2, clock)
    gate.hold(3)
    gate.hold(5)
    await gate.enter()
    assert clock.elapsed_s == 5


async def test_a_full_gate_lets_in_who_waits_when_one_leaves():
    """Places are handed on."""
    gate = Gate(1, FakeClock())
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    gate.leave()
    await asyncio.wait_for(waiting, timeout=5)
