"""Reading audio files: anything a person may call a recording, as mono float at 48 kHz."""

import io
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, LimitError, NotFoundError

if TYPE_CHECKING:
    from av import AudioFrame
    from av.container import InputContainer

SAMPLE_RATE: Final = 48_000
LONGEST_SECONDS: Final = 3 * 3600.0
"""The longest recording that `read_audio` takes into memory (2 GB); `iter_audio` has no such limit."""

Warn = Callable[[str], None]


def read_audio(
    source: str | Path | bytes, *, most_seconds: float = LONGEST_SECONDS, warn: Warn | None = None
) -> NDArray[np.float32]:
    """A whole recording: float32[S], mono, 48 kHz, within -1..1.

    `source` is a path, or the bytes of a file. WAV, FLAC, MP3, Ogg, Opus, AAC, AIFF and others, 8 to 192 kHz,
    any number of channels (averaged) and any sample format. `warn` gets a sentence when a part is damaged.
    Raises NotFoundError (no such file), InputError (no audio in it), LimitError (longer than most_seconds).
    """
    blocks: list[NDArray[np.float32]] = []
    count = 0
    for block in iter_audio(source, 10 * SAMPLE_RATE, warn=warn):
        blocks.append(block)
        count += len(block)
        if count > most_seconds * SAMPLE_RATE:
            raise LimitError(
                f"{_title(source)} is longer than {_clock(most_seconds)}. Cut it into shorter recordings."
            )
    return np.concatenate(blocks)


def iter_audio(
    source: str | Path | bytes, block: int = SAMPLE_RATE, *, warn: Warn | None = None
) -> Generator[NDArray[np.float32], None, None]:
    """The same recording in pieces of `block` samples (the last may be shorter), however long it is.

    Memory stays bounded by a few blocks. Errors are those of `read_audio`; at least one sample comes out.
    """
    if block < 1:
        raise InputError(f"A block must have at least one sample, not {block}.")
    waiting: list[NDArray[np.float32]] = []
    held = 0
    some = False
    for piece in _decoded(source, warn):
        waiting.append(piece)
        held += len(piece)
        if held >= block:
            joined = np.concatenate(waiting)
            whole = held // block * block
            for start in range(0, whole, block):
                some = True
                yield joined[start : start + block]
            waiting = [joined[whole:]]
            held -= whole
    if held:
        some = True
        yield np.concatenate(waiting)
    if not some:
        raise InputError(f"{_title(source)} has no sound in it: it holds no audio samples.")


# Formats that hold their sound in themselves. Playlists and the like could name other files or addresses.
_FORMATS: Final = (
    "wav,w64,aiff,au,caf,flac,mp3,ogg,aac,ac3,amr,ape,asf,avi,mov,mp4,m4a,3gp,3g2,mj2,"
    "matroska,webm,mpegts,voc,wv,tta,sox,rm,gsm"
)


def _decoded(source: str | Path | bytes, warn: Warn | None) -> Iterator[NDArray[np.float32]]:
    """Mono pieces at 48 kHz as they are decoded."""
    import av
    from av.error import FFmpegError

    title = _title(source)
    with _opened(source) as file:
        _check_riff(file, title, warn)
        try:
            container = av.open(file, "r", options={"format_whitelist": _FORMATS})
        except (FFmpegError, ValueError, EOFError):
            raise InputError(
                f"{title} is not an audio file that can be read. Use WAV, FLAC, MP3, Ogg, Opus or M4A."
            ) from None
        with container:
            if not container.streams.audio:
                raise InputError(f"{title} has no sound track. Use a recording with sound.")
            yield from _resampled(container, title, warn)


def _resampled(container: "InputContainer", title: str, warn: Warn | None) -> Iterator[NDArray[np.float32]]:
    import av
    from av.error import FFmpegError

    stream = container.streams.audio[0]
    rate = stream.codec_context.sample_rate
    if rate and not 1_000 <= rate <= 768_000:
        raise InputError(f"{title} has a sample rate of {rate} Hz; use 8,000 to 192,000 Hz.")
    resampler: av.AudioResampler | None = None
    layout = ""
    damaged = 0
    decoded = 0
    try:
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except FFmpegError:
                damaged += 1
                continue
            for frame in frames:
                if resampler is None or frame.layout.name != layout:
                    layout = frame.layout.name
                    resampler = av.AudioResampler("fltp", frame.layout, SAMPLE_RATE)
                frame.pts = None
                decoded += frame.samples
                for out in resampler.resample(frame):
                    yield _mono(out)
        if resampler is not None:
            for out in resampler.resample(None):
                yield _mono(out)
    except (FFmpegError, ValueError) as problem:
        if not decoded:
            raise InputError(f"{title} is damaged and cannot be decoded: {problem}.") from None
        damaged += 1
    if damaged and not decoded:
        raise InputError(f"{title} is damaged: nothing in it can be decoded.")
    if warn is not None:
        expected = _expected(container, rate)
        if damaged:
            warn(f"{title} is damaged in {damaged} place(s); those were left out.")
        elif expected and rate and decoded < 0.98 * expected - rate // 10:
            warn(f"{title} is cut short: {_clock(decoded / rate)} of {_clock(expected / rate)} are there.")


def _check_riff(file: BinaryIO, title: str, warn: Warn | None) -> None:
    """Warn of a WAV file that is shorter than its header says; the decoder would not."""
    header = file.read(12)
    there = file.seek(0, io.SEEK_END)
    file.seek(0)
    if warn is None or header[:4] != b"RIFF" or header[8:] != b"WAVE":
        return
    promised = int.from_bytes(header[4:8], "little") + 8
    # Recorders that cannot go back leave the size open: 0 or the largest number.
    if there + 1 < promised < 0x7FFFFFFF:
        warn(f"{title} is cut short: {there:,} of {promised:,} bytes are there.")


def _expected(container: "InputContainer", rate: int) -> float:
    """Samples that the file says it has; 0 when it does not say."""
    stream = container.streams.audio[0]
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base) * rate
    return 0.0


def _mono(frame: "AudioFrame") -> NDArray[np.float32]:
    samples = frame.to_ndarray().astype(np.float32, copy=False)
    mixed = samples.mean(axis=0) if samples.ndim == 2 and len(samples) > 1 else samples.reshape(-1)
    # A float file may hold anything at all.
    return np.clip(np.nan_to_num(mixed, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)


@contextmanager
def _opened(source: str | Path | bytes) -> Generator[BinaryIO, None, None]:
    if isinstance(source, bytes):
        if not source:
            raise InputError("The recording is empty (0 bytes).")
        yield io.BytesIO(source)
        return
    path = Path(source)
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f'"{path}" is not a regular file. Give the path of a recording.')
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{_title(source)} is empty (0 bytes).")
            file.seek(0)
            yield file
    except FileNotFoundError:
        raise NotFoundError(f'There is no file "{path}". Give the path of a recording.') from None
    except IsADirectoryError:
        raise InputError(f'"{path}" is a folder. Give the path of a recording.') from None
    except PermissionError:
        raise InputError(f'"{path}" may not be read by this user. Change its permissions.') from None


def _title(source: str | Path | bytes) -> str:
    return "The recording" if isinstance(source, bytes) else f'"{source}"'


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02} h"
