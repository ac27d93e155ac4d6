"""`likeness say`: a text, said by a character, as a take or a WAV."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import click

from likeness.cli.progress import progress_bar
from likeness.errors import InputError

_MOST_INPUT: Final = 1 << 18
"""Bytes of standard input that are read."""


@click.command()
@click.argument("text")
@click.option(
    "--character", "-c", default="plain", show_default=True, help="Who says it; `likeness characters list`."
)
@click.option("--voice", "engine", default="espeak", show_default=True, help="Voice engine; docs/voices.md.")
@click.option("--head", help="Another head model than the character's own; `likeness heads list`.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("take.npz"),
    show_default=True,
    help="A take (.npz) or only the voice (.wav).",
)
@click.option("--seed", default=0, show_default=True, help="Seed of idle life: the same seed, the same take.")
@click.option("--vertices", is_flag=True, help="Add the mesh of every frame (large).")
def say(
    text: str, character: str, engine: str, head: str | None, output: Path, seed: int, vertices: bool
) -> None:
    """Let a character say TEXT (- reads standard input) and write a take, tagged and sealed.

    \b
    Examples:
      likeness say "Imagination is more important than knowledge." --character einstein -o take.npz
      likeness say "Nothing in life is to be feared." --character curie -o voice.wav
      cat speech.txt | likeness say - --character einstein
    """
    from likeness.head import data_dir, load_character
    from likeness.performance.perform import perform_text
    from likeness.provenance import seal_take
    from likeness.speech.text import clean_text
    from likeness.speech.voice import load_voice

    _check_suffix(output, {".npz", ".wav"})
    who = load_character(character)
    voice = load_voice(engine)
    words = clean_text(_read_input() if text == "-" else text)

    async def perform() -> None:
        await voice.start()
        try:
            with progress_bar(f"{who.name} speaks") as progress:
                take = await perform_text(
                    voice, who, words, head=head, seed=seed, progress=progress, vertices=vertices
                )
        finally:
            await voice.aclose()
        sealed = seal_take(take, data_dir=data_dir())
        if output.suffix.lower() == ".wav":
            sealed.write_wav(output)
        else:
            sealed.save(output)
        click.echo(f"{output}: {sealed.summary()}")

    asyncio.run(perform())


def _read_input() -> str:
    # A little more than may be said, so that an endless input is refused as too long and not kept.
    data = sys.stdin.buffer.read(_MOST_INPUT)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.start >= _MOST_INPUT - 4:
            return data[: error.start].decode()
        raise InputError("Standard input is not UTF-8 text; convert it to UTF-8.") from None


def _check_suffix(output: Path, known: set[str]) -> None:
    if output.suffix.lower() not in known:
        raise InputError(
            f"{output}: cannot write a '{output.suffix}' file; end the name in {' or '.join(sorted(known))}."
        )
    if not output.resolve().parent.is_dir():
        raise InputError(f"{output}: the folder {output.resolve().parent} does not exist; create it first.")
