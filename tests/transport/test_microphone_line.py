"""The microphone's line: packets in arrival order, stereo to mono, Opus to sound."""

import av
import numpy as np
import pytest
from aiortc.rtp import RtpPacket

from likeness.transport.microphone_line import ArrivalOrder, mono
from likeness.transport.opus_ear import OpusEar


def packet(sequence: int, data: bytes = b"x"):
    p = RtpPacket(sequence_number=sequence, timestamp=sequence * 960)
    p._data = data
    return p


def test_each_packet_goes_on_as_it_arrives():
    line = ArrivalOrder()
    for sequence in (65534, 65535, 0, 1):
        _, frame = line.add(packet(sequence))
        assert frame is not None
        assert frame.timestamp == sequence * 960


def test_late_and_doubled_packets_are_left_out_and_a_lost_one_delays_nobody():
    line = ArrivalOrder()
    got = [line.add(packet(s))[1] is not None for s in (10, 12, 11, 12, 13)]
    assert got == [True, True, False, False, True]


def test_stereo_becomes_the_mean():
    pcm = np.stack([np.full(960, 1000, np.int16), np.full(960, 3000, np.int16)], axis=1).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
    assert (mono(frame) == 2000).all()
    assert mono(frame).shape == (960,)


def opus_packets(seconds: float = 0.5) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48000, "mono", "s16", 32000
    packets = []
    for at in range(0, int(seconds * 48000), 960):
        pcm = (8000 * np.sin(2 * np.pi * 300 * (at + np.arange(960)) / 48000)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, at
        packets += [bytes(p) for p in encoder.encode(frame)]
    return packets


def test_opus_from_a_websocket_becomes_the_same_sound():
    ear = OpusEar()
    pcm = np.concatenate([ear.decode(p) for p in opus_packets()])
    spectrum = np.abs(np.fft.rfft(pcm[4800:14400].astype(float)))
    assert np.argmax(spectrum) * 48000 / 9600 == pytest.approx(300, abs=5)
    assert np.abs(pcm).max() == pytest.approx(8000, rel=0.1)


def test_what_is_not_opus_is_no_sound_and_no_harm():
    ear, rng = OpusEar(), np.random.default_rng(1)
    for size in rng.integers(1, 300, 500):
        ear.decode(rng.bytes(int(size)))
    assert any(ear.decode(p) is not None for p in opus_packets(0.1))
