"""The tag: the statement that a stream is generated, whom it portrays and what drives it."""

from datetime import UTC, datetime
from typing import Final

from likeness import __version__
from likeness.head.character import Character
from likeness.provenance.keys import timestamp
from likeness.v1 import stream_pb2

_DRIVERS: Final[dict[int, str]] = {
    stream_pb2.DRIVER_TEXT: "text",
    stream_pb2.DRIVER_VOICE: "voice",
    stream_pb2.DRIVER_TRACKING: "tracking",
    stream_pb2.DRIVER_RECORDING: "recording",
    stream_pb2.DRIVER_AI: "AI",
    stream_pb2.DRIVER_IDLE: "idle",
}
SOFTWARE: Final = f"likeness {__version__}"


def driver_name(driver: int) -> str:
    """A driver for people: "text", "voice", "tracking", "recording", "AI", "idle"; else "unknown"."""
    return _DRIVERS.get(driver, "unknown")


def mark_text(tag: stream_pb2.GeneratedTag) -> str:
    """What must be in view wherever the face is: "GEN - Albert Einstein - driven by: text"."""
    return f"GEN - {tag.portrays} - driven by: {tag.driven_by}"


def make_tag(
    character: Character, driver: "stream_pb2.Driver | int", session: str, now: datetime | None = None
) -> stream_pb2.GeneratedTag:
    """The tag of a character's stream. Every tag is made here."""
    return tag_of(character.id, character.name, driver_name(driver), session, int(driver), now)


def tag_of(
    character: str, portrays: str, driven_by: str, session: str, driver: int, now: datetime | None = None
) -> stream_pb2.GeneratedTag:
    """The same from names, where only a character's names are at hand."""
    tag = stream_pb2.GeneratedTag(
        generated=True,
        character=character,
        portrays=portrays,
        driver=driver,  # pyright: ignore[reportArgumentType]
        driven_by=driven_by,
        software=SOFTWARE,
        session=session,
        issued=timestamp(now or datetime.now(UTC)),
    )
    tag.mark = mark_text(tag)
    return tag


def driver_number(name: str) -> int:
    """Inverse of `driver_name`; 0 (unspecified) for anything else."""
    return next((number for number, known in _DRIVERS.items() if known == name), 0)
