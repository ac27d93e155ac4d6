"""The `likeness` command: a lazily loaded group, and one place where errors become sentences."""

import errno
import importlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import click

from likeness import __version__
from likeness.errors import LikenessError

EPILOG: Final = """\b
Examples:
  likeness serve                                       the page on http://localhost:8080
  likeness say "Imagination is more important than knowledge." --character einstein -o take.npz
  likeness animate speech.wav -o take.npz
  likeness play take.npz                               replay it in the browser
  likeness verify take.npz                             who is portrayed, what made it, is it whole
  likeness bench live --streams 50                     what this machine can carry
"""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are run, so that `--help` is instant.

    `lazy` maps a command's name to ("module:attribute", one-line help).
    """

    def __init__(self, *args: object, lazy: Mapping[str, tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        self._lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name][0].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), 1) if args else []
            if near:
                raise click.UsageError(f"{error.message} Did you mean '{near[0]}'?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in self._lazy.items()]
        for name in super().list_commands(ctx):
            command = super().get_command(ctx, name)
            if command is not None and not command.hidden:
                rows.append((name, command.get_short_help_str()))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    lazy={
        "serve": ("likeness.cli.serve:serve", "Start the server: page, WebRTC, gRPC."),
        "say": ("likeness.cli.say:say", "A character says a text; write a take or a WAV."),
        "animate": ("likeness.cli.animate:animate", "A recording drives a face; write a take."),
        "play": ("likeness.cli.play:play", "Replay a take in the browser."),
        "verify": ("likeness.cli.verify:verify", "Check a take's tag and seals."),
        "characters": ("likeness.cli.characters:characters", "List or import characters."),
        "heads": ("likeness.cli.heads:heads", "List or import FLAME-format head models."),
        "sessions": ("likeness.cli.sessions:sessions", "Look at logged sessions."),
        "ledger": ("likeness.cli.ledger:ledger", "Verify or export the append-only ledger."),
        "inputs": ("likeness.cli.inputs:inputs", "Phones and trackers: list, meter, bind to a session."),
        "track": ("likeness.cli.track:track", "Track a camera or a video with MediaPipe."),
        "token": ("likeness.cli.token:token", "Issue a token for a person: role, room, name, hours."),
        "simulate": ("likeness.cli.simulate:simulate", "A bad network between a client and a server."),
        "doctor": ("likeness.cli.doctor:doctor", "Check this machine and say what is missing."),
        "bench": ("likeness.cli.bench.group:bench", "Measure what we promise, on this machine."),
    },
)
@click.version_option(__version__, prog_name="likeness")
def cli() -> None:
    """Likeness streams FLAME faces of historical characters, in sync with their voice, to WebXR and
    Unity clients, and tags, seals and logs every session as generated."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line; a LikenessError or a failing machine becomes one sentence and an exit code.

    Ended from outside (SIGTERM, or its terminal closed), a command tidies up as it does after Ctrl-C.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Whoever has a signal ignored (nohup) means it.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _leave)
    sys.exit(run(lambda: cli.main(args=argv, prog_name="likeness", standalone_mode=False)))


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def run(command: Callable[[], object]) -> int:
    """The exit code of `command`: 0, 1 for the machine, 2 for the input, 130 when interrupted."""
    try:
        result = command()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    except LikenessError as error:
        click.secho(f"likeness: {error}", fg="red", err=True)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`| head`): that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in _MACHINE:
            raise
        click.secho(f"likeness: {_MACHINE[error.errno]}: {error.filename or error}", fg="red", err=True)
        return 1
    return result if isinstance(result, int) else 0


_MACHINE: Final[dict[int | None, str]] = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EROFS: "the folder is read-only; choose another with -o or LIKENESS_DATA",
    errno.EACCES: "no permission; choose another folder with -o or LIKENESS_DATA",
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "that is a folder, not a file",
    errno.ENOTDIR: "a part of that path is a file, not a folder",
}


if __name__ == "__main__":
    main()
