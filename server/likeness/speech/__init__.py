"""What a voice does to a face: voices, streaming lip-sync, prosody."""

from likeness.speech.audio_file import iter_audio, read_audio
from likeness.speech.espeak import EspeakVoice
from likeness.speech.resample import Resampler
from likeness.speech.text import clean_text
from likeness.speech.voice import Voice, VoiceChunk, VoiceError, load_voice

__all__ = [
    "EspeakVoice",
    "Resampler",
    "Voice",
    "VoiceChunk",
    "VoiceError",
    "clean_text",
    "iter_audio",
    "load_voice",
    "read_audio",
]
