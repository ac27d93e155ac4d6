"""Performing off line: a text or a recording, through the same layers as live, into a Take."""

import asyncio
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import likeness
from likeness.errors import InputError
from likeness.head.character import Character
from likeness.head.controls import CONTROLS
from likeness.head.flame_numpy import BakedHead
from likeness.head.frame import SAMPLE_RATE, SAMPLES_PER_FRAME, Float32
from likeness.head.load import Head, load_head
from likeness.performance.frames import Frames
from likeness.performance.recorder import Recorder
from likeness.performance.take import FORMAT, VERSION, Take
from likeness.performance.troupe import Troupe
from likeness.speech.articulation import Articulator, TimedPhone
from likeness.speech.audio_file import Warn, iter_audio, read_audio
from likeness.speech.prosody import Prosody
from likeness.speech.text import clean_text
from likeness.speech.voice import Voice
from likeness.tracking.face import TrackedFace

Progress = Callable[[float], None]

LEAD_IN: Final = 15 * SAMPLES_PER_FRAME
"""Silence before a text: the mouth takes shape before the first sound (0.25 s)."""
TAIL: Final = 42 * SAMPLES_PER_FRAME
"""Silence after the last sound: the face comes to rest (0.7 s)."""
_BLOCK: Final = 60
"""Frames written at once."""
_VIEWER: Final = 1.1
"""Metres in front of the face that the one who watches a take is thought to be."""
_TEXT, _TRACKING, _RECORDING = 1, 3, 4
"""likeness.v1.Driver"""


async def perform_text(
    voice: Voice,
    character: Character,
    text: str,
    *,
    head: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    vertices: bool = False,
) -> Take:
    """A character says a text with a started voice.

    head: another head than the character's own; seed: of idle life, the same seed gives the same take;
    progress gets the share done; vertices: keep the mesh of every frame.

    Raises:
        InputError, LimitError: nothing to say, or too much. VoiceError: the voice failed.
    """
    pieces: list[NDArray[np.int16]] = []
    phones: list[TimedPhone] = []
    async with aclosing(voice.speak(clean_text(text), character.voice)) as chunks:
        async for chunk in chunks:
            pieces.append(chunk.pcm)
            phones += chunk.phones
    moved = [TimedPhone(p.phone, p.start + LEAD_IN, p.end + LEAD_IN) for p in phones]
    sound = np.concatenate([np.zeros(LEAD_IN, np.int16), *pieces])
    # The numeric part takes a while: whoever else runs on this loop must not wait for it.
    return await asyncio.to_thread(
        _perform,
        character,
        head,
        seed,
        _TEXT,
        _hops([sound], tail=TAIL),
        lambda hops: _spoken(hops, moved),
        len(sound) + TAIL,
        progress,
        vertices,
    )


def perform_recording(
    recording: str | Path | bytes | Float32,
    character: Character,
    *,
    head: str | None = None,
    transcript: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    vertices: bool = False,
    warn: Warn | None = None,
) -> Take:
    """A recorded voice drives a character.

    recording: an audio file or its bytes, or float32[S] mono at 48 kHz. With a `transcript` the mouth follows
    the words, aligned with the sound; without one the streaming lip-sync listens. The take's samples are
    those of the recording at 48 kHz. Memory stays bounded unless there is a transcript. `warn` gets a
    sentence when a part of the recording is damaged or missing.

    Raises:
        NotFoundError, InputError: no such file, no sound in it, or a transcript that cannot be aligned.
    """
    if transcript is not None:
        pcm = recording if isinstance(recording, np.ndarray) else read_audio(recording, warn=warn)
        phones = _aligned(pcm, transcript, _part(progress, 0.0, 0.5))
        progress = _part(progress, 0.5, 1.0)
        blocks: Iterable[Float32] = [pcm]
        total = len(pcm)
    elif isinstance(recording, np.ndarray):
        blocks, total = [recording], len(recording)
        phones = None
    else:
        pieces = iter_audio(recording, 10 * SAMPLE_RATE, warn=warn)
        # What is no recording is refused before a head and a network are loaded for it.
        blocks, total = chain([next(pieces)], pieces), _length(recording)
        phones = None

    def mouths(hops: Iterator[Float32]) -> Iterator[tuple[Float32, Float32]]:
        return _listened(hops) if phones is None else _spoken(hops, phones)

    return _perform(
        character,
        head,
        seed,
        _RECORDING,
        _hops(map(_int16, blocks), tail=TAIL),
        mouths,
        total + TAIL,
        progress,
        vertices,
    )


def take_meta(character: Character, head: Head, components: tuple[str, ...], driver: str) -> dict[str, Any]:
    """The `meta` of a take of a character (docs/take-format.md), not sealed yet."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "generated": True,
        "character": character.id,
        "portrays": character.name,
        "head": head.name,
        "identity": [round(float(v), 6) for v in character.identity],
        "driver": driver,
        "mark": f"GEN - {character.name} - driven by: {driver}",
        "session": "",
        "software": f"likeness {likeness.__version__}",
        "rights": character.rights,
        "components": list(components),
        "controls": list(CONTROLS),
        "controls_only": character.controls_only,
        "avatar_sha256": character.avatar_sha256 if character.avatar.is_file() else "",
        "seals": [],
    }


def perform_tracking(
    faces: Sequence[TrackedFace],
    pcm: Float32 | None,
    character: Character,
    *,
    head: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    vertices: bool = False,
) -> Take:
    """A person's tracked face, with their voice where there is one, drives a character.

    faces: in order of their `time` (s, from the start); pcm: float32[S] mono at 48 kHz, or None for silence.
    The lips follow the tracker where it is sure of the mouth, the voice where it is not.

    Raises:
        InputError: no face at all.
    """
    if not faces:
        raise InputError("no picture was tracked; is there a face in the video?")
    total = max(round(faces[-1].time * SAMPLE_RATE), 0 if pcm is None else len(pcm))
    sound = np.zeros(total, np.float32) if pcm is None else np.pad(pcm, (0, total - len(pcm)))
    hops = _hops([_int16(sound)], tail=TAIL)
    return _perform(
        character, head, seed, _TRACKING, hops, _listened, total + TAIL, progress, vertices, faces
    )


Mouths = Callable[[Iterator[Float32]], Iterator[tuple[Float32, Float32]]]
"""Hops of sound [800] in; for each frame its hop and the mouth's controls [52] out."""


def _perform(
    character: Character,
    head_name: str | None,
    seed: int,
    driver: int,
    hops: Iterator[Float32],
    mouths: Mouths,
    total: int,
    progress: Progress | None,
    vertices: bool,
    faces: Sequence[TrackedFace] = (),
) -> Take:
    head = load_head(head_name or character.head)
    own = head_name is None or head_name == character.head
    identity = character.identity if own and len(character.identity) else None
    if not own:
        character = _recast(character, head)
    baked = BakedHead(head.model, identity)
    troupe = Troupe()
    row = troupe.add(character, head, seed)
    troupe.set_driver(row, driver)
    troupe.set_listener(row, troupe.eye_point(row) + np.array([0, 0, _VIEWER], np.float32))
    prosody = Prosody(np.random.default_rng([seed, 1]))
    slot = prosody.open()
    names = troupe.components(row)
    word = {_TEXT: "text", _TRACKING: "tracking", _RECORDING: "recording"}[driver]
    with Recorder(len(names), head.model.vertex_count if vertices else None) as recorder:
        block: list[Frames] = []
        sample = shown = 0
        for hop, controls in mouths(hops):
            melody = prosody.step([slot], hop[None])
            troupe.set_speech([row], controls[None], melody.voiced, melody)
            # Each picture once, when its time has come: the troupe moves the face on between them.
            while shown < len(faces) and faces[shown].time * SAMPLE_RATE <= sample:
                face = faces[shown]
                troupe.set_tracked(
                    row, face.looking, face.confidence, face.head_rotation, face.head_translation
                )
                shown += 1
            block.append(troupe.step([row], sample))
            recorder.add_voice(_int16(hop))
            sample += SAMPLES_PER_FRAME
            if len(block) == _BLOCK:
                _record(recorder, block, head, baked, character.controls_only, vertices)
                block = []
                if progress is not None:
                    progress(min(sample / max(total, 1), 0.999))
        if block:
            _record(recorder, block, head, baked, character.controls_only, vertices)
        take = recorder.finish(take_meta(character, head, names, word))
    if progress is not None:
        progress(1.0)
    return take


def _record(
    recorder: Recorder, block: list[Frames], head: Head, baked: BakedHead, guest: bool, vertices: bool
) -> None:
    frames = Frames.joined(block)
    psi, lids, jaw = frames.expression, frames.eyelids, frames.jaw
    eyes = frames.eyes
    if guest:
        # A guest model's components are its controls; the lips are measured on the head that stands in.
        face = head.rig.apply(frames.controls)
        psi, lids, jaw, eyes = face.expression, face.eyelids, face.jaw, face.eyes
    gap = 1000.0 * baked.lip_gap(psi, lids, jaw)
    mesh = None
    if vertices:
        mesh = np.stack(
            [
                baked.vertices(
                    psi[t],
                    lids[t],
                    jaw[t],
                    frames.neck[t],
                    eyes[t],
                    frames.head_rotation[t],
                    frames.head_translation[t],
                )
                for t in range(len(frames))
            ]
        )
    recorder.add_frames(frames, gap.astype(np.float32), mesh)


def _recast(character: Character, head: Head) -> Character:
    """The character on another head: its identity belongs to its own head's basis."""
    return replace(character, head=head.name, identity=np.zeros(0, np.float32), controls_only=False)


def _hops(blocks: Iterable[NDArray[np.int16]], tail: int) -> Generator[Float32, None, None]:
    """Whole frames [800] of sound in -1..1, then `tail` samples of silence."""
    rest = np.zeros(0, np.int16)
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // SAMPLES_PER_FRAME
        for k in range(whole):
            yield _float(rest[k * SAMPLES_PER_FRAME : (k + 1) * SAMPLES_PER_FRAME])
        rest = rest[whole * SAMPLES_PER_FRAME :]
    if len(rest):
        yield _float(np.pad(rest, (0, SAMPLES_PER_FRAME - len(rest))))
    for _ in range(tail // SAMPLES_PER_FRAME):
        yield np.zeros(SAMPLES_PER_FRAME, np.float32)


def _spoken(hops: Iterator[Float32], phones: list[TimedPhone]) -> Iterator[tuple[Float32, Float32]]:
    """The mouth of known phones."""
    articulator = Articulator()
    waiting = sorted(phones, key=lambda p: p.start)
    at = 0
    for k, hop in enumerate(hops):
        # The articulator forgets what lies behind: it is given what a voice would have told it by now.
        ahead = at
        while ahead < len(waiting) and waiting[ahead].start < k * SAMPLES_PER_FRAME + SAMPLE_RATE:
            ahead += 1
        if ahead > at:
            articulator.push(waiting[at:ahead])
            at = ahead
        yield hop, articulator.controls(k * SAMPLES_PER_FRAME)


def _listened(hops: Iterator[Float32]) -> Iterator[tuple[Float32, Float32]]:
    """The mouth as the streaming lip-sync hears it, with its look-ahead taken out."""
    from likeness.speech.lipsync import LipSync

    lipsync = LipSync(capacity=1)
    slots = np.array([lipsync.open()])
    # Sound [s, s + 800) gives the mouth at s + 800 - look_ahead: it is shifted so that this falls on a frame.
    shift = -lipsync.look_ahead % SAMPLES_PER_FRAME
    late = (lipsync.look_ahead + shift) // SAMPLES_PER_FRAME - 1
    silence = np.zeros(SAMPLES_PER_FRAME, np.float32)
    waiting: list[Float32] = []
    before = silence
    for number, hop in enumerate(chain(hops, [silence] * late)):
        waiting.append(hop)
        heard = np.concatenate([before, hop])[SAMPLES_PER_FRAME - shift : 2 * SAMPLES_PER_FRAME - shift]
        before = hop
        controls = lipsync.step(slots, heard[None])[0]
        if number >= late:
            yield waiting.pop(0), controls


def _aligned(pcm: Float32, transcript: str, progress: Progress | None) -> list[TimedPhone]:
    from likeness.speech.alignment import align

    return align(pcm, transcript, progress=progress)


def _part(progress: Progress | None, start: float, end: float) -> Progress | None:
    """The progress of one step of several."""
    return None if progress is None else lambda share: progress(start + (end - start) * share)


def _length(recording: str | Path | bytes) -> int:
    """Samples at 48 kHz that a file says it has, for the progress bar; 0 where it does not say."""
    import io

    import av
    from av.error import FFmpegError

    try:
        file = io.BytesIO(recording) if isinstance(recording, bytes) else str(recording)
        with av.open(file, "r") as container:
            return int((container.duration or 0) * SAMPLE_RATE / 1_000_000)
    except (FFmpegError, OSError, ValueError):
        return 0  # iter_audio says what is wrong with it


def _int16(pcm: Float32) -> NDArray[np.int16]:
    return np.clip(np.rint(pcm * 32768.0), -32768, 32767).astype(np.int16)


def _float(pcm: NDArray[np.int16]) -> Float32:
    return pcm.astype(np.float32) / np.float32(32768)
