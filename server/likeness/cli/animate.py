"""`likeness animate`: a recording drives a face."""

from pathlib import Path

import click

from likeness.cli.progress import progress_bar
from likeness.errors import InputError, NotFoundError


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option(
    "--character", "-c", default="plain", show_default=True, help="Whose face; `likeness characters list`."
)
@click.option("--head", help="Another head model than the character's own; `likeness heads list`.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Default: RECORDING's name with .npz.")
@click.option(
    "--transcript",
    type=click.Path(path_type=Path),
    help="Text file of what is said: the mouth then follows the words exactly (forced alignment, English).",
)
@click.option("--seed", default=0, show_default=True, help="Seed of idle life: the same seed, the same take.")
@click.option("--vertices", is_flag=True, help="Add the mesh of every frame (large).")
def animate(
    recording: Path,
    character: str,
    head: str | None,
    output: Path | None,
    transcript: Path | None,
    seed: int,
    vertices: bool,
) -> None:
    """Let RECORDING (WAV, MP3, FLAC, Ogg, ...) drive a face and write a take, tagged and sealed.

    \b
    Examples:
      likeness animate speech.wav -o take.npz
      likeness animate lecture.wav --transcript lecture.txt --character einstein
    """
    from likeness.head import data_dir, load_character
    from likeness.performance.perform import perform_recording
    from likeness.provenance import seal_take

    if not recording.exists():
        raise NotFoundError(f"{recording}: there is no such file.")
    if not recording.is_file():
        raise InputError(f"{recording} is a folder or a device; give the path of a recording.")
    target = output or recording.with_suffix(".npz")
    if target.suffix.lower() != ".npz":
        raise InputError(f"{target}: a take is an .npz file; end the name in .npz.")
    if not target.resolve().parent.is_dir():
        raise InputError(f"{target}: the folder {target.resolve().parent} does not exist; create it first.")
    who = load_character(character)
    words = _read_transcript(transcript) if transcript else None
    with progress_bar(f"Animating {recording.name}") as progress:
        take = perform_recording(
            recording,
            who,
            head=head,
            transcript=words,
            seed=seed,
            progress=progress,
            vertices=vertices,
            warn=lambda words: click.secho(f"likeness: {words}", fg="yellow", err=True),
        )
    sealed = seal_take(take, data_dir=data_dir())
    sealed.save(target)
    click.echo(f"{target}: {sealed.summary()}")


def _read_transcript(path: Path) -> str:
    if not path.is_file():
        raise NotFoundError(f"{path}: there is no such transcript; give the path of a text file.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: the transcript is not UTF-8 text; save it as UTF-8.") from None
