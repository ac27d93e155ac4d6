"""The stage's clock does not drift, and a stall does not become a burst; rates are kept."""

from likeness.stage.clock import StageClock
from likeness.stage.rate_limit import RateLimit


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_ticks_follow_the_time_source_for_days() -> None:
    time = Time()
    clock = StageClock(time)
    for day in range(1, 4):
        time.now = 1000.0 + day * 86_400
        assert clock.tick() == day * 86_400 * 60
        assert clock.sample() == day * 86_400 * 48_000


def test_the_time_of_a_sample_is_when_it_is_due() -> None:
    time = Time()
    clock = StageClock(time)
    time.now += 0.5
    assert clock.until(48_000) == 0.5
    assert clock.until(0) == -0.5


def test_a_slip_takes_the_stall_out_of_media_time() -> None:
    time = Time()
    clock = StageClock(time)
    time.now += 10
    clock.slip(9 * 60)
    assert clock.tick() == 60


def test_a_limit_lets_a_burst_through_and_then_the_rate() -> None:
    time = Time()
    limit = RateLimit(10, 20, time)
    assert sum(limit.take() for _ in range(100)) == 20
    time.now += 1
    assert sum(limit.take() for _ in range(100)) == 10
    time.now += 1000
    assert sum(limit.take() for _ in range(100)) == 20


def test_what_is_too_much_takes_nothing() -> None:
    limit = RateLimit(10, 20, Time())
    assert not limit.take(21)
    assert limit.take(20)
