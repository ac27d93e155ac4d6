"""A live voice reaches the lip-sync without gaps, keeps its place on the clock, and does not fall behind."""

import numpy as np
import pytest

from likeness.stage.microphone import EXCESS, HOP, RING, SPARE, Microphone

LOOK_AHEAD = 3655
SLACK = 1920
PACKET = 960


class Clock:
    """Plays packets into a microphone at given media times and takes its hops as a stage would."""

    def __init__(self) -> None:
        self.mic = Microphone(4800, LOOK_AHEAD, SLACK)
        self.hops: list[tuple[int, int, np.ndarray]] = []
        """Media time, frame, sound."""

    def run(self, packets: list[tuple[int, np.ndarray]], until: int, step: int = 96) -> None:
        waiting = sorted(packets, key=lambda p: p[0])
        for now in range(4800, until, step):
            while waiting and waiting[0][0] <= now:
                self.mic.push(waiting.pop(0)[1], now)
            while self.mic.late(now) or self.mic.ready():
                frame = self.mic.next_frame
                self.hops.append((now, frame, self.mic.take_hop()))

    @property
    def sound(self) -> np.ndarray:
        return np.concatenate([hop for _, _, hop in self.hops])


def ramp(count: int) -> np.ndarray:
    """Sound that is never silent and tells its place."""
    return (np.arange(count) % 30_000 + 1).astype(np.int16)


def steady(seconds: float, drift: float = 1.0, jitter: int = 0) -> list[tuple[int, np.ndarray]]:
    sound, rng = ramp(int(seconds * 48_000)), np.random.default_rng(3)
    out: list[tuple[int, np.ndarray]] = []
    for k in range(len(sound) // PACKET):
        when = 6000 + int((k + 1) * PACKET * drift) + int(rng.integers(0, jitter + 1))
        when = max(when, out[-1][0] if out else 0)  # a stream keeps its order
        out.append((when, sound[k * PACKET : (k + 1) * PACKET]))
    return out


def test_every_frame_is_made_once_and_in_order() -> None:
    clock = Clock()
    clock.run(steady(2.0, jitter=900), 120_000)
    frames = [frame for _, frame, _ in clock.hops]
    assert frames == list(range(frames[0], frames[-1] + 1, HOP))
    assert frames[0] == 4800


@pytest.mark.parametrize("jitter", [0, 500, 1900])
def test_jitter_within_the_slack_leaves_the_sound_whole(jitter: int) -> None:
    clock = Clock()
    clock.run(steady(2.0, jitter=jitter), 120_000)
    heard = np.flatnonzero(clock.sound)
    assert clock.sound[heard[0] : heard[-1] + 1].tolist() == ramp(96_000).tolist()


def test_the_voice_is_no_later_than_the_look_ahead() -> None:
    clock = Clock()
    clock.run(steady(1.0), 60_000)
    for now, frame, sound in clock.hops[20:50]:
        if sound.all():
            assert now - LOOK_AHEAD <= frame + LOOK_AHEAD
            assert abs(now - frame) <= PACKET + HOP


def test_a_gap_is_silence_and_the_rest_follows() -> None:
    packets = steady(1.0) + [(when + 96_000, sound) for when, sound in steady(1.0)]
    clock = Clock()
    clock.run(packets, 200_000)
    heard = clock.sound[clock.sound > 0]
    assert heard.tolist() == [*ramp(48_000).tolist(), *ramp(48_000).tolist()]
    assert clock.mic.silent


def test_a_pile_of_late_packets_does_not_delay_the_voice_for_good() -> None:
    packets = steady(3.0)
    held = [(min(60_000, when) if 12_000 < when <= 60_000 else when, sound) for when, sound in packets]
    held = [(60_000 if 12_000 < when < 60_000 else when, sound) for when, sound in held]
    clock = Clock()
    clock.run(held, 150_000)
    ends = [(now, frame) for now, frame, sound in clock.hops if sound.any()]
    now, frame = ends[-5]
    assert now - frame <= EXCESS
    assert clock.mic.dropped > 0


def test_a_client_whose_clock_is_fast_is_caught_up_in_pauses() -> None:
    sound = ramp(48_000 * 20)
    for k in range(0, len(sound), 96_000):
        sound[k : k + 24_000] = 0  # somebody breathes
    packets = [
        (6000 + int((k + 1) * PACKET * 0.998), sound[k * PACKET : (k + 1) * PACKET])
        for k in range(len(sound) // PACKET)
    ]
    clock = Clock()
    clock.run(packets, 6000 + len(sound))
    assert clock.mic.dropped > 0
    assert clock.mic.inserted <= 13 * HOP  # after the last word only
    late = [now - frame for now, frame, _ in clock.hops[-200:-20]]
    assert max(late) - min(late) < 4000


def talk(seconds: float) -> list[tuple[int, np.ndarray]]:
    """A voice that breathes for half a second every other second."""
    packets = steady(seconds)
    return [(when, sound * (k % 100 >= 25)) for k, (when, sound) in enumerate(packets)]


def test_a_margin_set_before_the_first_word_leaves_frames_that_much_more_time() -> None:
    plain, later = Clock(), Clock()
    later.mic.margin = 1600
    for clock in (plain, later):
        clock.run(talk(2.0), 90_000)
    early = [{frame: now for now, frame, sound in clock.hops if sound.any()} for clock in (plain, later)]
    # The same sound drives a frame 1600 samples later on, made when its packet came as before.
    gained = [early[0][frame] - early[1][frame] for frame in early[0] if frame in early[1]]
    assert np.median(gained) == pytest.approx(1600, abs=HOP)
    assert later.mic.inserted == plain.mic.inserted


def test_a_margin_that_changes_in_a_word_waits_for_the_next_pause_and_cuts_no_sound() -> None:
    packets, clock = talk(12.0), Clock()
    spoken = np.concatenate([sound for _, sound in packets])
    for begin, end, margin in ((0, 230, 0), (230, 430, 1600), (430, len(packets), 0)):
        clock.mic.margin = margin
        for when, sound in packets[begin:end]:
            clock.mic.push(sound, when)
            while clock.mic.ready():
                clock.hops.append((when, clock.mic.next_frame, clock.mic.take_hop()))
    loud = clock.sound[clock.sound > 0]
    assert loud.tolist() == spoken[spoken > 0][: len(loud)].tolist()
    assert len(loud) > 0.95 * np.count_nonzero(spoken)
    assert 1600 - SPARE <= clock.mic.dropped <= 1600


def test_what_was_heard_long_ago_does_not_come_back() -> None:
    mic = Microphone(0, LOOK_AHEAD, SLACK)
    for k in range(2 * RING // PACKET):
        mic.push(ramp(PACKET), k * PACKET)
        while mic.ready():
            mic.take_hop()
    assert mic.read(mic.next_frame, HOP).all()
    assert not mic.read(mic.next_frame + LOOK_AHEAD + HOP, PACKET).any()
    mic.take_hop()
    for _ in range(2 * RING // HOP):
        assert not mic.take_hop().any()


def test_sound_that_nobody_takes_does_not_grow_for_ever() -> None:
    mic = Microphone(0, LOOK_AHEAD, SLACK)
    for k in range(2 * RING // PACKET):
        mic.push(ramp(PACKET), k * PACKET)
    heard = np.concatenate([mic.take_hop() for _ in range(2 * RING // HOP)])
    assert RING - 2 * HOP - PACKET < np.count_nonzero(heard) <= RING
