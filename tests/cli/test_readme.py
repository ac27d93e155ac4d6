"""The README's own commands: each is understood as it is printed, and the short ones run in their order."""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from likeness.cli.main import cli, run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
BLOCKS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
COMMANDS = [line.partition(" # ")[0].strip() for line in BLOCKS if line.startswith("likeness ")]
FIGURES = sorted(set(re.findall(r"`(likeness bench [^`]+)`", README)))
SERVING = ("play", "serve", "inputs", "track", "bench")
"""These go on until they are stopped, need a device, or take minutes."""


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) >= 10
    assert len(FIGURES) >= 8


@pytest.mark.parametrize("line", [*COMMANDS, *FIGURES])
def test_each_is_understood_as_it_is_printed(line: str) -> None:
    command: click.Command = cli
    name, *arguments = shlex.split(line)
    parent: click.Context | None = None
    while isinstance(command, click.Group) and arguments:
        parent = click.Context(command, parent, info_name=name)
        _, chosen, arguments = command.resolve_command(parent, arguments)
        assert chosen is not None
        command, name = chosen, chosen.name or ""
    command.make_context(name, arguments, parent)


def test_the_short_ones_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("LIKENESS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LIKENESS_TOKEN_SECRET", "a-secret-of-more-than-32-bytes-0123456789")
    monkeypatch.chdir(tmp_path)
    words = "The sea is blue, and many people may be by the sea."
    assert _run(["say", words, "-c", "curie", "-o", "speech.wav"]) == 0
    shutil.copy("speech.wav", "lecture.wav")
    (tmp_path / "lecture.txt").write_text(words)
    tried = 0
    for line in COMMANDS:
        arguments = shlex.split(line)[1:]
        if arguments[0] in (*SERVING, "doctor"):  # what the doctor finds depends on the machine
            continue
        assert _run(arguments) == 0, line
        tried += 1
    assert tried >= 6
    assert "VERIFIED." in capsys.readouterr().out


def _run(arguments: list[str]) -> int:
    return run(lambda: cli.main(args=arguments, prog_name="likeness", standalone_mode=False))
