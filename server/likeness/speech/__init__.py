"""What a voice does to a face: voices, streaming lip-sync, prosody."""

from likeness.speech.articulation import Articulator, TimedPhone
from likeness.speech.audio_file import iter_audio, read_audio
from likeness.speech.espeak import EspeakVoice
from likeness.speech.lipsync import LipSync
from likeness.speech.prosody import Prosody, ProsodyFrame
from likeness.speech.resample import Resampler, is_usual_rate
from likeness.speech.text import clean_text
from likeness.speech.voice import Voice, VoiceChunk, VoiceError, load_voice

__all__ = [
    "Articulator",
    "EspeakVoice",
    "LipSync",
    "Prosody",
    "ProsodyFrame",
    "Resampler",
    "TimedPhone",
    "Voice",
    "VoiceChunk",
    "VoiceError",
    "clean_text",
    "is_usual_rate",
    "iter_audio",
    "load_voice",
    "read_audio",
]
