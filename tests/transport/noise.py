"""What a broken or hostile client may send: random bytes, texts, and messages that are nearly right."""

import json
import random
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)
KINDS = (1, 2, 5, 6, 7, 8, 9, 10)
WORDS = (
    "",
    "einstein",
    "jawOpen",
    "x" * 300,
    "joy",
    "<speak>Hi</speak>",
    "爱因斯坦",
    "\x00\x1b[31m",
    "👏" * 50,
)
NUMBERS = (0, 1, 2, 7, 255, 65_535, 2**31 - 1)
REALS = (0.0, 0.5, 1.0, -1.0, 1e30, -1e30, float("nan"), float("inf"), float("-inf"))


def noise(rng: random.Random, most: int = 300) -> bytes:
    """Random bytes, half of them with a kind that exists."""
    data = rng.randbytes(rng.randrange(most))
    return bytes([rng.choice(KINDS)]) + data if rng.random() < 0.5 else data


def noise_text(rng: random.Random) -> str:
    """Random text, half of it nearly a message."""
    if rng.random() < 0.5:
        return "".join(chr(rng.randrange(1, 0xD7FF)) for _ in range(rng.randrange(60)))
    bodies = ["say", "stop", "hello", "motion", "audio", "override", "listener", "microphone", "ping", "x",
              "consent", "moderate", "emotion", "calibrate"]  # fmt: skip
    values: list[Any] = [None, -1, 1e308, "x", [], {}, {"text": "x" * 9000}, {"text": "<speak>"}, {"x": 1e30},
                         {"act": "MUTE"}, {"act": 99}, {"name": "joy", "weight": 1e9}]  # fmt: skip
    text = json.dumps({rng.choice(bodies): rng.choice(values)})
    at = rng.randrange(len(text))
    return text if rng.random() < 0.5 else text[:at] + chr(rng.randrange(1, 256)) + text[at + 1 :]


def noise_message(rng: random.Random, message: M) -> M:
    """Fills a message's fields at random: known words and nonsense, in and out of range."""
    fields = list(message.DESCRIPTOR.fields)
    chosen = [rng.choice(fields)] if message.DESCRIPTOR.oneofs else [f for f in fields if rng.random() < 0.7]
    for field in chosen:
        here = getattr(message, field.name)
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            value = _value(rng, field)
            if hasattr(here, "extend"):
                here.extend([value] * rng.randrange(200))
            else:
                setattr(message, field.name, value)
        elif field.message_type.GetOptions().map_entry:
            here[rng.choice(WORDS)] = rng.choice(REALS)
        else:
            here.SetInParent()
            noise_message(rng, here)
    return message


def changed(rng: random.Random, data: bytes) -> bytes:
    """A few bytes of `data` changed, cut or doubled."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(3):
            case 0:
                out[at:] = b""
            case 1:
                out[at : at + 1] = rng.randbytes(1)
            case _:
                out[at:at] = out[at : at + rng.randrange(20)]
    return bytes(out)


def _value(rng: random.Random, field: FieldDescriptor) -> Any:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return rng.choice(WORDS)
        case FieldDescriptor.TYPE_BYTES:
            return noise(rng)
        case FieldDescriptor.TYPE_BOOL:
            return rng.random() < 0.5
        case FieldDescriptor.TYPE_FLOAT | FieldDescriptor.TYPE_DOUBLE:
            return rng.choice(REALS)
        case _:
            return rng.choice(NUMBERS)
