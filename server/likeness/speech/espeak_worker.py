"""The process that holds espeak-ng: its library is single-threaded, global-state and GPL, so it runs alone.

Started by `EspeakVoice`; talks over its standard input and output in frames of
`length u32, kind u8, request u32, payload[length]`, little-endian.

To the process: SPEAK (JSON: text, language, variant, rate, pitch, range, volume, end_pause), CANCEL (empty).
From it: READY (JSON: rate, languages, variants), BLOCK (see `encode_block`), CANCELLED, FAILED (text).
Every SPEAK is answered by blocks of which the last is final, or by CANCELLED, or by FAILED.

It imports ctypes, numpy and nothing of Likeness that needs more, so that it starts in a tenth of a second.
"""

import ctypes
import json
import os
import queue
import signal
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from likeness.speech.resample import Resampler

SPEAK, CANCEL, READY, BLOCK, CANCELLED, FAILED = b"SCRBXE"
HEADER: Final = struct.Struct("<IBI")
LONGEST: Final = 1 << 20
"""A longer frame means that the other side is broken."""
RATE_OUT: Final = 48_000

_BLOCK: Final = struct.Struct("<QBH")
_PHONE: Final = struct.Struct("<QQB")
_BUFFER_MS: Final = 60  # espeak-ng's smallest


def encode_block(
    first: int, final: bool, phones: Sequence[tuple[str, int, int]], pcm: NDArray[np.int16]
) -> bytes:
    """first u64, final u8, count u16; per phone start u64, end u64, length u8, UTF-8; then int16 samples."""
    out = [_BLOCK.pack(first, final, len(phones))]
    for ipa, start, end in phones:
        text = ipa.encode()[:255]
        out += (_PHONE.pack(start, end, len(text)), text)
    out.append(pcm.astype("<i2").tobytes())
    return b"".join(out)


def decode_block(payload: bytes) -> tuple[int, bool, list[tuple[str, int, int]], NDArray[np.int16]]:
    """Inverse of `encode_block`; ValueError when the bytes are not a block."""
    try:
        first, final, count = _BLOCK.unpack_from(payload)
        at = _BLOCK.size
        phones: list[tuple[str, int, int]] = []
        for _ in range(count):
            start, end, length = _PHONE.unpack_from(payload, at)
            at += _PHONE.size
            if at + length > len(payload):
                raise ValueError("cut short")
            phones.append((payload[at : at + length].decode(errors="replace"), start, end))
            at += length
    except struct.error as problem:
        raise ValueError(f"not a voice block: {problem}") from None
    if (len(payload) - at) % 2:
        raise ValueError("not a voice block: odd number of sample bytes")
    return first, bool(final), phones, np.frombuffer(payload, "<i2", offset=at).astype(np.int16)


class PhoneTimer:
    """Turns espeak-ng's phoneme events into phones with a start and an end.

    The events mark the *burst* of a stop; what the eye sees is the closure before it, so the silence in
    front of a burst (at most 100 ms) becomes part of the stop. An event without a phoneme is a pause only
    where it is silent; elsewhere it belongs to the phone before. All times are samples at `rate`.
    """

    def __init__(self, rate: int) -> None:
        self._hop = rate // 200
        self._rate = rate
        self._rms: list[float] = []
        self._rest = np.zeros(0, np.float32)
        self._closed: list[tuple[str, int, int]] = []
        self._open: tuple[str, int] = ("", 0)
        self.boundary = 0
        """Everything that starts before this sample has been returned."""

    def push(
        self, pcm: NDArray[np.int16], events: Sequence[tuple[str, int]], final: int | None = None
    ) -> list[tuple[str, int, int]]:
        """Phones (ipa, start, end) that are now certain; `final`, at the end, is the length of all sound."""
        samples = np.concatenate((self._rest, pcm.astype(np.float32)))
        whole = len(samples) // self._hop
        hops = samples[: whole * self._hop].reshape(whole, self._hop)
        self._rms += np.sqrt((hops * hops).mean(axis=1)).tolist() if whole else []
        self._rest = samples[whole * self._hop :]
        for ipa, sample in events:
            if ipa.startswith("("):  # a language switch, not a sound
                continue
            start = max(sample, self._open[1])
            if ipa.lstrip("ˈˌ")[:1] in _STOPS:
                start = self._closure(start)
            self._close(start)
            self._open = (ipa, start)
        if final is not None:
            self._close(final)
            self._open = ("", final)
            done, self._closed = self._closed, []
        else:
            # The newest closed phone may still grow over an event without a phoneme.
            keep = 1 if not self._open[0] and self._closed else 0
            cut = len(self._closed) - keep
            done, self._closed = self._closed[:cut], self._closed[cut:]
        self.boundary = self._closed[0][1] if self._closed else self._open[1]
        return done

    def _close(self, end: int) -> None:
        ipa, start = self._open
        if end <= start:
            return
        if ipa or not self._closed or self._silent(start, end):
            self._closed.append((ipa, start, end))
        else:
            previous = self._closed[-1]
            self._closed[-1] = (previous[0], previous[1], end)

    def _silent(self, start: int, end: int) -> bool:
        low, high = start // self._hop, max(start // self._hop + 1, end // self._hop)
        span = self._rms[low:high]
        return not span or float(np.median(span)) < 60.0

    def _closure(self, burst: int) -> int:
        """Where the silence before a burst begins."""
        hop = burst // self._hop
        loud = max(float(np.percentile(self._rms, 80)) if self._rms else 0.0, 600.0)
        low = hop
        while low > 0 and (hop - low) < 20 and low - 1 < len(self._rms) and self._rms[low - 1] < 0.06 * loud:
            low -= 1
        if low == hop:
            return burst
        ipa, previous = self._open
        earliest = previous + self._rate // 50 if ipa else previous
        return min(burst, max(low * self._hop, earliest))


_STOPS: Final = frozenset("ptkcqʈbdɡgɖɟ")


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    """espeak_EVENT of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _VoiceRecord(ctypes.Structure):
    """espeak_VOICE of espeak-ng's speak_lib.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_PHONEME_EVENT: Final = 7

Take = Callable[[NDArray[np.int16], list[tuple[str, int]]], bool]


class Library:
    """espeak-ng's library. One per process; not thread-safe."""

    def __init__(self, library: str, data: str) -> None:
        # The library keeps at most 160 characters of a path, so it gets a short, relative one.
        os.chdir(Path(data).parent)
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
        # 2: synchronous retrieval; options: phoneme events, in IPA, and never exit().
        self.rate = int(self._lib.espeak_Initialize(2, _BUFFER_MS, b".", 0x0001 | 0x0002 | 0x8000))
        if self.rate <= 0:
            raise OSError(f"espeak-ng could not read its data in {data}")
        self._take: Take | None = None
        self._callback = _CALLBACK(self._on_sound)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._voice = ""
        self._data = Path(data)
        self._titles: dict[str, str] = {}
        self._identifiers: dict[str, str] = {}
        self._find_languages()

    def languages(self) -> dict[str, str]:
        """Language codes that `speak` knows, and their names."""
        return dict(self._titles)

    def _find_languages(self) -> None:
        voices = self._lib.espeak_ListVoices(None)
        index = 0
        while voices[index]:
            record = voices[index].contents
            index += 1
            identifier = (record.identifier or b"").decode(errors="replace")
            if not _has_dictionary(self._data, identifier):
                continue
            # `languages`: a priority byte and a zero-terminated name each, ended by a zero priority.
            address = record.languages
            while address and ctypes.string_at(address, 1) != b"\0":
                name = ctypes.string_at(address + 1)
                code = name.decode(errors="replace")
                self._titles.setdefault(code, (record.name or b"").decode(errors="replace").strip())
                # A file of exactly that name wins; other codes are found by the file that lists them first.
                self._identifiers.setdefault(code, identifier)
                if identifier.rpartition("/")[2].lower() == code:
                    self._identifiers[code] = identifier
                address += len(name) + 2

    def variants(self) -> list[str]:
        """Names of voice variants, sorted."""
        return sorted(path.name for path in (self._data / "voices" / "!v").iterdir())

    def speak(
        self,
        text: str,
        language: str,
        variant: str,
        rate: int,
        pitch: int,
        spread: int,
        volume: int,
        end_pause: bool,
        take: Take,
    ) -> None:
        """Synthesise, calling `take(pcm, events)` for each block until it returns False."""
        voice = self._identifiers.get(language, language) + (f"+{variant}" if variant else "")
        if voice != self._voice:
            if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
                raise ValueError(f'espeak-ng has no voice "{voice}"')
            self._voice = voice
        for parameter, value in ((_RATE, rate), (_VOLUME, volume), (_PITCH, pitch), (_RANGE, spread)):
            self._lib.espeak_SetParameter(parameter, int(value), 0)
        data = text.encode("utf-8", "ignore").replace(b"\0", b" ") + b"\0"
        self._take = take
        try:
            flags = 1 | (0x1000 if end_pause else 0)  # UTF-8; a sentence's pause at the end
            status = self._lib.espeak_Synth(data, len(data), 0, 1, 0, flags, None, None)
        finally:
            self._take = None
        if status not in (0, -1):
            raise OSError(f"espeak-ng failed with code {status}")

    def _on_sound(self, samples: Any, count: int, events: Any) -> int:
        take = self._take
        if take is None:
            return 1
        found: list[tuple[str, int]] = []
        index = 0
        while events[index].type != 0:
            if events[index].type == _PHONEME_EVENT:
                found.append((events[index].id.string.decode("utf-8", "ignore"), int(events[index].sample)))
            index += 1
        pcm = np.zeros(0, np.int16)
        if samples and count > 0:
            pcm = np.ctypeslib.as_array(samples, (count,)).copy()
        return 0 if take(pcm, found) else 1


def _has_dictionary(data: Path, identifier: str) -> bool:
    """Whether the data can pronounce a language: some voice files lack their dictionary."""
    try:
        lines = (data / "lang" / identifier).read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    words = [line.split() for line in lines]
    named = [w[1] for w in words if len(w) > 1 and w[0] == "dictionary"]
    codes = [w[1].partition("-")[0] for w in words if len(w) > 1 and w[0] == "language"]
    return any((data / f"{name}_dict").is_file() for name in named or codes[:1])


class _Utterance:
    """One request being spoken: holds sound back until the phones in it are known, and sends both."""

    def __init__(self, rate: int, send: Callable[[bytes], None]) -> None:
        self._rate = rate
        self._timer = PhoneTimer(rate)
        self._resampler = Resampler(rate, RATE_OUT)
        self._send = send
        self._sound = np.zeros(0, np.float32)
        self._sent = 0
        self._phones: list[tuple[str, int, int]] = []
        self._blocks = 0
        self._length = 0

    def push(self, pcm: NDArray[np.int16], events: list[tuple[str, int]]) -> None:
        self._length += len(pcm)
        self._add(self._timer.push(pcm, events), self._resampler.push(pcm))
        ready = min(self._at_output(self._timer.boundary), self._sent + len(self._sound)) - self._sent
        # The first blocks go out at once; then a few larger ones cost less.
        if ready > 0 and (self._blocks < 4 or ready >= RATE_OUT // 5):
            self._emit(ready, final=False)

    def finish(self) -> None:
        self._add(self._timer.push(np.zeros(0, np.int16), [], final=self._length), self._resampler.flush())
        while len(self._sound) > LONGEST // 4:
            self._emit(LONGEST // 4, final=False)
        self._emit(len(self._sound), final=True)

    def _add(self, phones: list[tuple[str, int, int]], sound: NDArray[np.float32]) -> None:
        self._phones += [(p, self._at_output(start), self._at_output(end)) for p, start, end in phones]
        self._sound = np.concatenate((self._sound, sound))

    def _emit(self, count: int, final: bool) -> None:
        pcm = np.clip(np.rint(self._sound[:count]), -32768, 32767).astype(np.int16)
        self._send(encode_block(self._sent, final, self._phones, pcm))
        self._sound = self._sound[count:]
        self._sent += count
        self._phones = []
        self._blocks += 1

    def _at_output(self, sample: int) -> int:
        return round(sample * RATE_OUT / self._rate)


def main() -> None:
    """Serve requests until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes our input
    source, sink = sys.stdin.buffer, sys.stdout.buffer

    def send(kind: int, request: int, payload: bytes = b"") -> None:
        sink.write(HEADER.pack(len(payload), kind, request) + payload)
        sink.flush()

    try:
        import espeakng_loader  # pyright: ignore[reportMissingTypeStubs]

        library = Library(str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path()))
    except (ImportError, OSError) as problem:
        send(FAILED, 0, str(problem).encode())
        return
    about = {"rate": library.rate, "languages": library.languages(), "variants": library.variants()}
    send(READY, 0, json.dumps(about).encode())

    Resampler(library.rate, RATE_OUT)  # works out its weights before the first sentence

    requests: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    cancelled: set[int] = set()
    threading.Thread(target=_listen, args=(source, requests, cancelled), daemon=True).start()
    while True:
        request, payload = requests.get()
        try:
            _serve(library, request, payload, cancelled, send)
        except BrokenPipeError:
            return
        except Exception as problem:  # a request must never take the process with it
            send(FAILED, request, f"{type(problem).__name__}: {problem}".encode())
        cancelled.difference_update([late for late in tuple(cancelled) if late <= request])


def _serve(
    library: Library,
    request: int,
    payload: bytes,
    cancelled: set[int],
    send: Callable[[int, int, bytes], None],
) -> None:
    wish = json.loads(payload)
    utterance = _Utterance(library.rate, lambda block: send(BLOCK, request, block))
    problem: list[Exception] = []

    def take(pcm: NDArray[np.int16], events: list[tuple[str, int]]) -> bool:
        if request in cancelled:
            return False
        try:
            utterance.push(pcm, events)
        except Exception as error:  # an exception must not cross the C library
            problem.append(error)
            return False
        return True

    library.speak(
        str(wish["text"]),
        str(wish["language"]),
        str(wish["variant"]),
        int(wish["rate"]),
        int(wish["pitch"]),
        int(wish["range"]),
        int(wish["volume"]),
        bool(wish["end_pause"]),
        take,
    )
    if problem:
        raise problem[0]
    if request in cancelled:
        send(CANCELLED, request, b"")
    else:
        utterance.finish()


def _listen(source: BinaryIO, requests: "queue.SimpleQueue[tuple[int, bytes]]", cancelled: set[int]) -> None:
    """Read frames beside the synthesis, so that a cancel is seen while it runs."""
    while True:
        header = source.read(HEADER.size)
        if len(header) < HEADER.size:
            os._exit(0)
        length, kind, request = HEADER.unpack(header)
        payload = source.read(length)
        if len(payload) < length or length > LONGEST:
            os._exit(1)
        if kind == SPEAK:
            requests.put((request, payload))
        elif kind == CANCEL:
            cancelled.add(request)


if __name__ == "__main__":
    main()
