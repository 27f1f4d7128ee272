"""A run that meets a rate limit is nearly as fast as the limit allows, whatever kind of limit it is."""

import math
from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limited_service import RATE, Bucket, FixedWindow, LoopClock, NoLimit, Played, SlidingWindow

LIMITERS = {
    "bucket": lambda: Bucket(RATE),
    "large-bucket": lambda: Bucket(2 * RATE),
    "window-fresh": lambda: FixedWindow(0.0),
    "window-half-over": lambda: FixedWindow(0.5),
    "window-nearly-over": lambda: FixedWindow(0.95),
    "sliding-window": SlidingWindow,
}


def in_seconds(seconds):
    """Retry-After with the same number each time."""
    return lambda _now, _wait_s: {"retry_after": str(seconds)}


def absent(_now, _wait_s):
    """No Retry-After."""
    return {"retry_after": None}


def date(now, wait_s):
    """Retry-After as a date, beside the server's own."""
    until = (now + timedelta(seconds=wait_s, microseconds=999_999)).replace(microsecond=0)
    return {
        "retry_after": format_datetime(until, usegmt=True),
        "answered_at": now.replace(microsecond=0),
    }


def exact(_now, wait_s):
    """Retry-After in whole seconds, rounded up."""
    return {"retry_after": str(math.ceil(wait_s))}


FORMS = {"one": in_seconds(1), "zero": in_seconds(0), "exact": exact, "date": date, "absent": absent}


@pytest.mark.parametrize("latency_s", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limiter", LIMITERS)
def test_a_limited_run_is_nearly_as_fast_as_its_limit(limiter, form, latency_s):
    """400 exams at 20 a second take at most 1.3 times 20 seconds, and each is taken once."""
    played = Played(400, limiter=LIMITERS[limiter](), retry_after=FORMS[form], latency_s=latency_s)
    assert len(played.report.created) == 400
    assert set(played.api.taken.values()) == {1}
    assert played.took_s <= 1.3 * 400 / RATE


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("burst", [1, 5, 10])
def test_a_small_bucket_is_learned_too(burst, form):
    """Where hardly two may come at once, the first estimate is far off, and yet the run finds its pace."""
    played = Played(400, limiter=Bucket(burst), retry_after=FORMS[form])
    assert len(played.report.created) == 400
    assert played.took_s <= 2.2 * 400 / RATE


def test_without_a_429_nothing_is_slowed():
    """As many rounds as there must be, and not a millisecond between them."""
    played = Played(100, limiter=NoLimit(), retry_after=absent, latency_s=0.05)
    longest_round_s = 0.05 * 1.2 + 2 * 0.003
    assert played.took_s <= 10 * longest_round_s
    assert played.paused_s == 0


def test_a_pause_is_not_followed_by_a_burst():
    """After the first 429, creates come one by one, and never again as many at once."""
    played = Played(100, limiter=Bucket(RATE), retry_after=in_seconds(1), latency_s=0.005)
    later = [moment for moment in played.api.arrivals_s if moment > 1]
    most = max(sum(start <= other < start + 0.2 for other in later) for start in later)
    assert most <= 0.2 * RATE + 2


def test_few_requests_are_wasted():
    """Learning costs some refusals; a run does not go on knocking."""
    for make in LIMITERS.values():
        assert Played(400, limiter=make(), retry_after=in_seconds(1)).api.refused <= 40


@pytest.mark.parametrize("skew_s", [-86_400, -3, 3, 86_400])
def test_a_wrong_wall_clock_does_not_matter(skew_s):
    """A date is read by the server's clock, and durations by one that is never set."""
    set_at_three_s = LoopClock(lambda elapsed_s: skew_s if elapsed_s > 3 else 0)
    right = Played(200, limiter=Bucket(RATE), retry_after=date)
    wrong = Played(200, limiter=Bucket(RATE), retry_after=date, clock=set_at_three_s)
    assert wrong.took_s == right.took_s


def test_a_service_that_refuses_everything_ends_the_run():
    """Pauses grow, all of them together stay within the budget, and the rest is for another run."""
    never = Bucket(0)
    never.wait_s = lambda _now_s: 1.0
    played = Played(50, limiter=never, retry_after=absent, budget_s=60)
    assert played.report.created == []
    assert 30 <= played.paused_s <= 60
    assert played.took_s <= 61
    assert len(played.report.failed) >= 1
    assert "longer than --retry-timeout allows" in played.report.exams[-1].message


@pytest.mark.parametrize("form", ["exact", "date", "absent", "minute"])
@pytest.mark.parametrize("phase", [0.0, 0.9])
def test_a_limit_a_minute_is_finished_by_itself(form, phase):
    """700 exams at 100 a minute: the pauses add up to more than --retry-timeout, and each makes progress."""
    retry_after = {**FORMS, "minute": in_seconds(60)}[form]
    limiter = FixedWindow(phase, most=100, length_s=60)
    played = Played(700, limiter=limiter, retry_after=retry_after, latency_s=0.2)
    assert len(played.report.created) == 700
    assert set(played.api.taken.values()) == {1}
    assert played.took_s <= 1.5 * 7 * 60


def test_pauses_add_up_to_more_than_the_budget():
    """A budget just above one window is enough for any number of windows; one below it is not."""
    for budget_s, created in ((70, 700), (30, 100)):
        limiter = FixedWindow(0.0, most=100, length_s=60)
        played = Played(700, limiter=limiter, retry_after=exact, budget_s=budget_s)
        assert len(played.report.created) == created


WORLDS = st.fixed_dictionaries(
    {
        "limiter": st.sampled_from(sorted(LIMITERS)).map(lambda name: LIMITERS[name]()),
        "retry_after": st.sampled_from([*FORMS.values(), in_seconds(7)]),
        "latency_s": st.sampled_from([0.001, 0.05, 0.7]),
        "parallelism": st.integers(1, 12),
        "budget_s": st.sampled_from([0, 0.5, 3, 300]),
        "seed": st.integers(0, 99),
    }
)


@given(st.integers(1, 60), WORLDS)
def test_any_limited_run_ends_within_its_bounds(exams, world):
    """Never more in flight than allowed, no pause beyond the budget without a success, none taken twice."""
    played = Played(exams, **world)
    assert len(played.report.exams) == exams
    assert played.api.most_in_flight <= world["parallelism"]
    assert played.longest_pause_s <= world["budget_s"] + 1e-6
    assert max(played.api.taken.values(), default=1) == 1
    assert len(played.report.created) == played.api.taken.total()
