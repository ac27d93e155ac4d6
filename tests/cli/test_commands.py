"""What a person at the command line is promised: help that teaches, and errors that are one sentence."""

import zipfile
from pathlib import Path

import pytest

from likeness.cli.main import cli, run

COMMANDS = (
    "serve", "say", "animate", "play", "verify", "characters", "heads", "sessions", "ledger", "inputs",
    "track", "doctor", "bench",
)  # fmt: skip


def likeness(*arguments: str) -> int:
    return run(lambda: cli.main(args=list(arguments), prog_name="likeness", standalone_mode=False))


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "data"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys) -> None:
    assert likeness(command, "--help") == 0
    assert "Usage: likeness" in capsys.readouterr().out


def test_a_sentence_becomes_a_take_that_verifies_until_a_byte_is_changed(tmp_path: Path, capsys) -> None:
    take = tmp_path / "take.npz"
    assert likeness("say", "Good morning.", "--character", "einstein", "-o", str(take)) == 0
    assert likeness("verify", str(take)) == 0
    said = capsys.readouterr().out
    assert "It portrays Albert Einstein" in said
    assert "VERIFIED" in said
    assert likeness("sessions", "list") == 0
    assert likeness("ledger", "verify") == 0
    capsys.readouterr()

    with zipfile.ZipFile(take) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    jaw = bytearray(members["jaw.npy"])
    jaw[-2] ^= 1
    members["jaw.npy"] = bytes(jaw)
    with zipfile.ZipFile(take, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert likeness("verify", str(take)) == 1
    assert "VERIFIED." not in capsys.readouterr().out.replace("NOT VERIFIED.", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["say", "Hello.", "-c", "nobody"], "no character 'nobody'"),
        (["say", ""], "empty"),
        (["say", "x" * 1_000_000], "characters"),
        (["say", "Hello.", "-o", "take.mp4"], ".npz"),
        (["say", "Hello.", "-o", "/no/such/folder/take.npz"], "does not exist"),
        (["animate", "/etc/passwd"], "audio"),
        (["animate", "/no/such/file.wav"], "/no/such/file.wav"),
        (["verify", "/etc/passwd"], "not a take"),
        (["play", "/etc/passwd", "--no-browser"], "not a take"),
        (["heads", "import", "/etc/passwd"], "/etc/passwd"),
        (["characters", "import", "/etc/passwd"], "/etc/passwd"),
        (["sessions", "show", "nothing"], "no ledger"),
        (["serve", "--host", "0.0.0.0"], "token secret"),
        (["serve", "--config", "/no/such.toml"], "/no/such.toml"),
        (["track"], "--camera 0"),
    ],
)
def test_a_wrong_input_is_one_sentence_and_code_2(arguments: list[str], words: str, capsys) -> None:
    assert likeness(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err


def test_a_wrong_key_in_a_configuration_names_the_right_one(tmp_path: Path, capsys) -> None:
    config = tmp_path / "likeness.toml"
    config.write_text("[server]\nprot = 8080\n")
    assert likeness("serve", "--config", str(config)) == 2
    assert "port" in capsys.readouterr().err


def test_a_misspelt_command_is_guessed(capsys) -> None:
    assert likeness("sey") == 2
    assert "Did you mean 'say'?" in capsys.readouterr().err
