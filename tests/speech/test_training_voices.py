"""Voices that the lip-sync learns from: a game's own file, and what the vocoder is given."""

import struct
from random import Random

import numpy as np
import pytest

from tools.lipsync import game_voices, vocoded_voices
from tools.lipsync.corpus import RATE, Utterance


def game(files: dict[str, bytes]) -> bytes:
    """A game's file with these in it."""
    first = 15 + 21 * len(files)
    table, body = b"", b""
    for name, data in files.items():
        table += struct.pack(">12sBII", name.encode(), 1, first + len(body), len(data))
        body += data
    return b"QTBLCEM10\0\0\0\1" + struct.pack(">H", len(files)) + table + body


def strings(lines: dict[int, str]) -> bytes:
    """Numbered lines as a dialogue holds them."""
    out = b""
    for number, line in lines.items():
        text = bytes([len(line)]) + line.encode()
        out += struct.pack(">HH", 0, number) + text + bytes(-len(text) % 4)
    return out


def test_a_games_file_gives_its_files():
    files = {"A.DOG": b"abc", "020001P1.SB": b"", "B.SB": b"xyz" * 40}
    assert game_voices._files(game(files)) == files
    with pytest.raises(SystemExit, match="talking version"):
        game_voices._files(b"QTBLPEM10\0\0\0\0" + bytes(40))


def test_a_dialogue_gives_its_lines_piece_by_piece():
    hero = strings({9: "Nice talking to ya.*02", 0x2A: "Wait...*GDthere it is!*15*XY00(237,112)Mine!"})
    person = strings({1: "There are 40 of them.*03Really.*04"})
    head = struct.pack(">5h12x3H", -1, 7, 2, 2, 1, 32 + 96 + len(hero), 0, 0)
    dialogue = head.ljust(32, b"\0") + bytes(96) + hero + person
    assert list(game_voices._lines("BUD", dialogue)) == [
        ("JOE", "Nice talking to ya.", "020009J1.SB"),
        ("JOE", "Wait...there it is!", "02002AJ1.SB"),
        ("JOE", "Mine!", "02002AJ3.SB"),
        ("BUD", "Really.", "020001P2.SB"),
    ]


def test_a_vocoders_voice_keeps_the_times_and_draws_states_to_their_means():
    """What is said stays where it was: each state's mean is what it was, and less is left around it."""
    random = np.random.default_rng(1)
    frames = 200
    bounds = np.array([(0.0, 0.5), (0.5, 1.0)], np.float32)
    u = Utterance("a:b", np.zeros(RATE, np.int16), np.array([1, 2], np.int16), bounds)
    cepstrum = random.normal(size=(frames, 20)) + np.repeat([[0.0], [5.0]], frames // 2, 0)
    said = vocoded_voices._averaged(cepstrum, u, Random(4))
    assert said.shape == cepstrum.shape
    assert abs(said[:90].mean() - cepstrum[:90].mean()) < 0.1
    assert abs(said[110:].mean() - cepstrum[110:].mean()) < 0.1
    assert said[:90].std() < 0.8 * cepstrum[:90].std()


def test_a_vocoders_pitch_stays_silent_where_the_voice_was():
    pitch = np.where(np.arange(100) % 40 < 20, 120.0, 0.0)
    for seed in range(8):
        sung = vocoded_voices._intonation(pitch, Random(seed))
        assert np.array_equal(sung > 0, pitch > 0)
        assert sung[sung > 0].min() >= 60
        assert sung.max() <= 450
