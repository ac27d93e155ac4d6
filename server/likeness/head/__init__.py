"""What a face is: FLAME-format models, controls, rigs, glTF."""

from likeness.head.character import (
    Character,
    IdleTemperament,
    Posture,
    VoiceSettings,
    character_stamps,
    list_characters,
    load_character,
)
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX, CONTROLS, mirrored
from likeness.head.flame_numpy import BakedHead
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, FlameFrame, Hand
from likeness.head.load import Head, list_heads, load_head
from likeness.head.model import HeadModel
from likeness.head.places import avatars_root, data_dir
from likeness.head.rig import FaceParameters, Rig

__all__ = [
    "CONTROLS",
    "CONTROL_COUNT",
    "CONTROL_INDEX",
    "FRAME_RATE",
    "SAMPLES_PER_FRAME",
    "SAMPLE_RATE",
    "BakedHead",
    "Character",
    "FaceParameters",
    "FlameFrame",
    "Hand",
    "Head",
    "HeadModel",
    "IdleTemperament",
    "Posture",
    "Rig",
    "VoiceSettings",
    "avatars_root",
    "character_stamps",
    "data_dir",
    "list_characters",
    "list_heads",
    "load_character",
    "load_head",
    "mirrored",
]
