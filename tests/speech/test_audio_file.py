import io
import resource
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, LimitError, NotFoundError
from likeness.speech.audio_file import iter_audio, read_audio


def _tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def _wav(samples: np.ndarray, rate: int, width: int = 2, channels: int = 1) -> bytes:
    scaled = np.clip(samples, -1, 1)
    if width == 1:
        data = (scaled * 127 + 128).astype(np.uint8).tobytes()
    elif width == 3:
        data = (scaled * 8388607).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    else:
        data = (scaled * (2 ** (8 * width - 1) - 1)).astype(f"<i{width}").tobytes()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(data)
    return out.getvalue()


def _encoded(container: str, codec: str, rate: int, sample_format: str) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(_tone(rate)[None], format="fltp", layout="mono")
        frame.rate = rate
        resampler = av.AudioResampler(sample_format, "mono", rate, frame_size=1024)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return out.getvalue()


def _is_the_tone(sound: np.ndarray) -> bool:
    middle = sound[6000:18000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    return abs(np.argmax(spectrum) * 48000 / len(middle) - 440) < 5 and 0.45 < np.abs(middle).max() < 0.55


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
def test_every_sample_rate_comes_out_at_48_khz(rate: int) -> None:
    sound = read_audio(_wav(_tone(rate), rate))
    assert sound.dtype == np.float32
    assert abs(len(sound) - 24000) <= 2
    assert _is_the_tone(sound)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_sample_width_is_read(width: int) -> None:
    assert _is_the_tone(read_audio(_wav(_tone(48000), 48000, width)))


def test_channels_are_averaged() -> None:
    left = _tone(48000)
    both = np.stack([left, np.zeros_like(left)], axis=1).reshape(-1)
    sound = read_audio(_wav(both, 48000, channels=2))
    assert len(sound) == 24000
    np.testing.assert_allclose(sound, left / 2, atol=1e-3)


@pytest.mark.parametrize(
    ("container", "codec", "sample_format"),
    [
        ("flac", "flac", "s16"),
        ("ogg", "libopus", "flt"),
        ("mp3", "libmp3lame", "s16p"),
        ("wav", "pcm_f32le", "flt"),
    ],
)
def test_other_formats_are_read(container: str, codec: str, sample_format: str) -> None:
    assert _is_the_tone(read_audio(_encoded(container, codec, 48000, sample_format)))


def test_a_float_file_with_nonsense_in_it_stays_within_bounds() -> None:
    samples = np.tile(np.array([np.nan, np.inf, -np.inf, 1e30, 0.25], np.float32), 2000)
    data = b"".join(
        (
            b"fmt ",
            (16).to_bytes(4, "little"),
            (3).to_bytes(2, "little"),
            (1).to_bytes(2, "little"),
            (48000).to_bytes(4, "little"),
            (192000).to_bytes(4, "little"),
            (4).to_bytes(2, "little"),
            (32).to_bytes(2, "little"),
            b"data",
            samples.nbytes.to_bytes(4, "little"),
            samples.tobytes(),
        )
    )
    sound = read_audio(b"RIFF" + (len(data) + 4).to_bytes(4, "little") + b"WAVE" + data)
    assert len(sound) == 10000
    assert np.abs(sound).max() <= 1.0


def test_clipped_and_silent_recordings_are_read_as_they_are() -> None:
    clipped = np.sign(_tone(48000))
    assert np.abs(read_audio(_wav(clipped, 48000))).max() > 0.99
    assert not read_audio(_wav(np.zeros(48000), 48000)).any()


def test_a_truncated_file_gives_what_is_there_and_says_so() -> None:
    said: list[str] = []
    whole = _wav(_tone(48000, 2.0), 48000)
    assert len(read_audio(whole[: len(whole) // 2], warn=said.append)) == pytest.approx(48000, abs=100)
    assert "cut short" in said[0]
    flac = _encoded("flac", "flac", 48000, "s16")
    audio = flac.index(b"\xff\xf8")  # the first frame; before it stands a block of padding
    assert 0 < len(read_audio(flac[: (audio + len(flac)) // 2], warn=said.append)) < 16000
    assert len(said) == 2


def test_a_whole_file_gives_no_warning() -> None:
    said: list[str] = []
    read_audio(_wav(_tone(44100), 44100), warn=said.append)
    assert not said


@pytest.mark.parametrize(
    "data", [b"", b"x", b"RIFF", b"not a wave file " * 200, b"\x89PNG\r\n\x1a\n" + bytes(500)]
)
def test_what_is_not_audio_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError, match="recording"):
        read_audio(data)


def test_a_header_without_samples_is_an_input_error() -> None:
    with pytest.raises(InputError):
        read_audio(_wav(np.zeros(0), 48000))


def test_a_playlist_cannot_name_other_files(tmp_path: Path) -> None:
    target = tmp_path / "secret.wav"
    target.write_bytes(_wav(_tone(48000), 48000))
    for text in (f"#EXTM3U\n#EXTINF:1,\n{target}\n", f"ffconcat version 1.0\nfile '{target}'\n"):
        with pytest.raises(InputError):
            read_audio(text.encode())


def test_paths_that_are_no_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        read_audio(tmp_path / "nowhere.wav")
    with pytest.raises(InputError, match="folder"):
        read_audio(tmp_path)
    (tmp_path / "empty.wav").touch()
    with pytest.raises(InputError, match="empty"):
        read_audio(tmp_path / "empty.wav")


def test_too_long_for_memory_is_a_limit(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="longer than 0:00:01"):
        read_audio(_wav(np.zeros(8000 * 30), 8000), most_seconds=1)


def test_blocks_have_the_asked_length_and_add_up(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(_wav(_tone(22050, 3.3), 22050))
    blocks = list(iter_audio(path, 800))
    assert {len(block) for block in blocks[:-1]} == {800}
    np.testing.assert_array_equal(np.concatenate(blocks), read_audio(path))


def test_two_hours_stream_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        for _ in range(120):
            file.writeframes(b"\x80" * 8000 * 60)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = sum(len(block) for block in iter_audio(path, 48000))
    assert total == 7200 * 48000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB; in memory: 1.4 GB


@given(st.binary(max_size=3000), st.sampled_from([b"", b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb"]))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused_or_read(data: bytes, start: bytes) -> None:
    try:
        sound = read_audio(start + data)
    except LikenessError:
        return
    assert np.isfinite(sound).all()
