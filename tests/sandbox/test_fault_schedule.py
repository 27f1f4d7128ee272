"""Which creates suffer which faults."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox import parse_fault
from reconciler.sandbox.fault_schedule import FaultSchedule
from reconciler.sandbox.faults import Effect, Kind


def struck(*specs: str, titles: list[str]) -> list[int]:
    """The numbers of the creates, of `titles` in turn, that some effect was drawn for."""
    schedule = FaultSchedule([parse_fault(spec) for spec in specs])
    return [number for number, title in enumerate(titles, 1) if schedule.draw(title).effect is not None]


def test_fault_without_selection_takes_all() -> None:
    """A bare kind strikes every create."""
    assert struck("no-sid", titles=["a", "b", "c"]) == [1, 2, 3]


def test_selections_choose_by_number() -> None:
    """nth, every and first choose by the order of arrival."""
    titles = ["exam"] * 7
    assert struck("no-sid:nth=3", titles=titles) == [3]
    assert struck("no-sid:every=3", titles=titles) == [3, 6]
    assert struck("no-sid:first=2", titles=titles) == [1, 2]
    assert struck("no-sid:times=2,every=2", titles=titles) == [2, 4]


def test_title_decides_who_counts() -> None:
    """With a title, only the creates that fit it are counted."""
    titles = ["Quiz", "Final A", "Quiz", "Final B", "final C"]
    assert struck("no-sid:title=Final*", titles=titles) == [2, 4]
    assert struck("no-sid:title=Final*,nth=2", titles=titles) == [4]


def test_first_fault_that_strikes_wins() -> None:
    """One effect at a time, and a fault that was not used has not spent one of its times."""
    schedule = FaultSchedule([parse_fault("drop-after:nth=1"), parse_fault("no-sid:times=1")])
    assert [schedule.draw("x").effect for _ in range(3)] == [
        Effect(kind=Kind.DROP_AFTER),
        Effect(kind=Kind.NO_SID),
        None,
    ]


def test_waits_add_up_beside_an_effect() -> None:
    """Latencies are summed and do not hide another fault."""
    specs = ["latency:seconds=1", "status:code=503", "latency:seconds=2,nth=2"]
    schedule = FaultSchedule([parse_fault(spec) for spec in specs])
    first, second = schedule.draw("x"), schedule.draw("x")
    assert (first.delay_s, second.delay_s) == (1.0, 3.0)
    assert first.effect == second.effect == Effect(kind=Kind.STATUS, code=503, stored=False)


def test_replacing_begins_to_count_anew() -> None:
    """Faults set later count from the moment that they were set."""
    schedule = FaultSchedule([parse_fault("no-sid:nth=1")])
    schedule.draw("x")
    schedule.replace([parse_fault("no-sid:nth=1")])
    assert schedule.draw("x").effect == Effect(kind=Kind.NO_SID)
    assert [fault.spec for fault in schedule.faults] == ["no-sid:nth=1"]


def test_bucket_refuses_beyond_its_rate_and_refills() -> None:
    """A rate of two lets two through at once, then one for each half second."""
    moments = iter([0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 60.0, 60.0, 60.0])
    schedule = FaultSchedule([parse_fault("rate:per-second=2")], now_s=lambda: next(moments))
    refused = [schedule.draw("x").effect is not None for _ in range(8)]
    assert refused == [False, False, True, False, True, False, False, True]


@given(st.lists(st.floats(min_value=0, max_value=1), max_size=200), st.integers(1, 20))
def test_rate_never_lets_more_through(gaps: list[float], per_second: int) -> None:
    """However creates arrive, no more pass than one second's worth and what time has added."""
    now_s = 0.0
    schedule = FaultSchedule([parse_fault(f"rate:per-second={per_second}")], now_s=lambda: now_s)
    passed = 0
    for gap in gaps:
        now_s += gap
        passed += schedule.draw("x").effect is None
    assert passed <= per_second + now_s * per_second + 0.001
