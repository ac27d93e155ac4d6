"""Voices that the lip-sync is measured on: a game's own file."""

import struct

import pytest

from tools.lipsync import game_voices


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
