"""Streaming lip-sync: sound in, the 52 controls out, for all live speakers at once.

The listener hears mouth curves and phones; here they become a mouth: lips shut on p, b and m (two sources
weighed together, with hysteresis and a two-frame minimum), exact rest in silence, and a speaking style.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import InputError, LimitError
from likeness.speech.articulation import CLOSE, FRAME, JAW, RATE, STYLES, VOICE, curves_to_controls

if TYPE_CHECKING:  # torch takes seconds to import: only those who listen pay for it
    from likeness.speech.listener import Heard

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.integer]

WEIGHTS: Final = Path(__file__).parent / "weights" / "lipsync.npz"


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the two opinions on a lip closure are weighed, and when the lips follow.

    logit = network * its closure logit + phones * logit of the phone loop's p/b/m posterior + bias; lips
    shut at probability `shut` and part below `part`.
    """

    network: float
    phones: float
    bias: float
    shut: float
    part: float


@dataclass(frozen=True, slots=True)
class Mouths:
    """One tick of N speakers: what the mouths do and why.

    controls [N, 52]; curves [N, 8] before silence is cut out; closed [N] probability of shut lips; network,
    loop [N] the two logits behind it; phones [N, 42] posteriors of the phone loop.
    """

    controls: FloatArray
    curves: FloatArray
    closed: FloatArray
    network: FloatArray
    loop: FloatArray
    phones: FloatArray


class LipSync:
    """Live lip-sync of up to `capacity` speakers on one thread. Not thread-safe.

    `look_ahead` (48 kHz samples, every window counted) is the distance from the newest sample pushed back
    to the instant that the controls are for: pushing samples [s, s + 800) gives the mouth at s + 800 -
    look_ahead.
    """

    def __init__(self, capacity: int = 128, weights: Path = WEIGHTS) -> None:
        """Load the models; torch is held to one thread in this process, its work here is too small to share
        out.
        """
        import torch

        from likeness.speech.listener import LOOK_AHEAD, Listener

        torch.set_num_threads(1)
        self.look_ahead: int = LOOK_AHEAD
        self.capacity: Final = capacity
        self._listener = Listener(capacity, weights)
        self._fusion = Fusion(**self._listener.settings["fusion"])
        phones = self._listener.model.phones
        self._bilabials = np.array([phones.index(p) for p in ("B", "P", "M")])
        self._free = list(range(capacity - 1, -1, -1))
        self._open: set[int] = set()
        self._style = np.zeros(capacity, np.int64)
        self._shut = np.zeros(capacity, np.bool_)
        self._held = np.zeros(capacity, np.int64)
        self._close = np.zeros(capacity, np.float32)
        self._speaking = np.zeros(capacity, np.bool_)
        self._gate = np.zeros(capacity, np.float32)
        self._voiced = np.zeros(capacity, np.int64)
        self._unvoiced = np.zeros(capacity, np.int64)

    @property
    def parameters(self) -> int:
        """How many numbers the networks have learned."""
        return self._listener.network.parameters + self._listener.acoustic.parameters

    @property
    def phones(self) -> tuple[str, ...]:
        """Names of the phone loop's 42 phones (ARPAbet, silence and noises)."""
        return self._listener.model.phones

    def open(self, style: int = 0) -> int:
        """A slot for a new speaker with a speaking style (index into `articulation.STYLES`).

        Raises LimitError when all slots are taken, InputError for an unknown style.
        """
        if not 0 <= style < len(STYLES):
            raise InputError(f"speaking style {style} does not exist: choose 0..{len(STYLES) - 1}")
        if not self._free:
            raise LimitError(
                f"all {self.capacity} lip-sync slots are taken: close one or start with a larger capacity"
            )
        slot = self._free.pop()
        self._open.add(slot)
        self._style[slot] = style
        self.reset(slot)
        return slot

    def close(self, slot: int) -> None:
        """Give a slot back; closing twice does nothing."""
        if slot in self._open:
            self._open.discard(slot)
            self._free.append(slot)

    def reset(self, slot: int) -> None:
        """Forget what was heard in a slot: the next sound is a new beginning."""
        if slot not in self._open:
            raise InputError(f"lip-sync slot {slot} is not open")
        self._listener.reset(slot)
        for state in (self._shut, self._held, self._close, self._speaking, self._gate, self._voiced):
            state[slot] = 0
        self._unvoiced[slot] = _FORGET_VOICE

    def step(self, slots: IntArray, pcm: FloatArray) -> FloatArray:
        """Controls float32 [N, 52] after one tick of sound, float32 [N, 800] in -1..1, of open, distinct
        slots [N].
        """
        return self.listen(slots, pcm).controls

    def listen(self, slots: IntArray, pcm: FloatArray) -> Mouths:
        """As `step`, with what was heard."""
        import torch

        slots = np.asarray(slots, np.int64)
        if pcm.shape != (len(slots), FRAME):
            raise InputError(f"lip-sync needs sound of shape ({len(slots)}, {FRAME}), not {pcm.shape}")
        if not self._open.issuperset(slots.tolist()):
            raise InputError("lip-sync was given a slot that is not open")
        # A stray NaN or a huge value must not live on in the recursions of this slot.
        if not np.isfinite(np.add.reduce(pcm, axis=None)):
            pcm = np.nan_to_num(pcm, nan=0.0, posinf=1.0, neginf=-1.0)
        clean = np.clip(pcm, -4.0, 4.0, dtype=np.float32, casting="same_kind")
        return self._shape(slots, self._listener.hear(torch.from_numpy(slots), torch.from_numpy(clean)))

    def _shape(self, slots: NDArray[np.int64], heard: "Heard") -> Mouths:
        curves, phones = heard.curves.numpy(), heard.phones.numpy()
        posterior = phones[:, self._bilabials].sum(1).clip(1e-4, 1 - 1e-4)
        loop = np.log(posterior / (1 - posterior))
        network = heard.closure.numpy()
        fusion = self._fusion
        closed = 1 / (1 + np.exp(-(fusion.network * network + fusion.phones * loop + fusion.bias)))

        gate = self._follow_voice(slots, curves[:, VOICE], heard.voiced.numpy() > 0)
        shut = self._follow_lips(slots, np.where(gate > 0.3, closed, 0.0))
        mouth = curves * gate[:, None]
        mouth[:, JAW] *= np.exp(_EFFORT * heard.effort.numpy())
        ajar = np.maximum(np.minimum(mouth[:, CLOSE], _ALMOST), self._close[slots] - _PARTING)
        mouth[:, CLOSE] = self._close[slots] = np.where(shut, 1.0, ajar)
        controls = np.empty((len(slots), 52), np.float32)
        styles = self._style[slots]
        for style in set(styles.tolist()):
            rows = styles == style
            controls[rows] = curves_to_controls(mouth[rows], STYLES[style])
        return Mouths(controls, curves, closed.astype(np.float32), network, loop, phones)

    def _follow_voice(
        self, slots: NDArray[np.int64], voice: FloatArray, voiced: NDArray[np.bool_]
    ) -> FloatArray:
        """A gate 0..1 per speaker: exactly 0 in silence, opening and closing over three ticks."""
        self._voiced[slots] += voiced
        self._unvoiced[slots] = np.where(voiced, 0, self._unvoiced[slots] + 1)
        speaking = np.where(self._speaking[slots], voice > 0.3, voice > 0.55)
        speaking &= self._unvoiced[slots] < _FORGET_VOICE
        self._speaking[slots] = speaking
        gate = self._gate[slots] + np.where(speaking, _GATE_STEP, -_GATE_STEP)
        self._gate[slots] = gate = np.clip(gate, 0.0, 1.0).astype(np.float32)
        return gate

    def _follow_lips(self, slots: NDArray[np.int64], closed: FloatArray) -> NDArray[np.bool_]:
        """Whether the lips are shut: hysteresis, two frames at least, nothing before the voice is known."""
        was, held = self._shut[slots], self._held[slots] + 1
        wants = np.where(was, closed > self._fusion.part, closed > self._fusion.shut)
        now = np.where(was & (held < _LEAST), True, wants) & (self._voiced[slots] >= _COLD)
        self._held[slots] = np.where(now == was, held, 0)
        self._shut[slots] = now
        return now


_EFFORT: Final = 0.12  # how much wider a louder voice opens the mouth: 13 % for 4 dB
_LEAST: Final = 2  # ticks that lips stay shut: less is a flicker
_COLD: Final = 2  # ticks of voice before a closure is believed
_FORGET_VOICE: Final = 15  # ticks without voice after which there is silence, whatever the network thinks
_GATE_STEP: Final = 1 / 3
_ALMOST: Final = 0.7  # how far lips near each other when a closure is likely but not believed
_PARTING: Final = 0.55  # how far they part in a tick


def animate(
    pcm: FloatArray,
    rate: int = RATE,
    *,
    style: int = 0,
    progress: Callable[[float], None] | None = None,
    weights: Path = WEIGHTS,
) -> FloatArray:
    """The mouth of a whole recording: controls float32 [T, 52], frame t at sample 800 t, T = ceil(S / 800)
    at 48 kHz.

    pcm: mono float32 [S] in -1..1 at `rate`. It is heard exactly as a live speaker would be, with the delay
    taken out. `progress` is called now and then with the share done, 0..1. Raises InputError for sound that
    is not mono.
    """
    sound = to_media_rate(pcm, rate)
    frames = -(-len(sound) // FRAME)
    lip_sync = LipSync(capacity=1, weights=weights)
    slots = np.array([lip_sync.open(style)])
    # Lead in so that instants fall on frames, and out so that the last frame is told about.
    lead = (FRAME - lip_sync.look_ahead) % FRAME
    late = (lead + lip_sync.look_ahead - FRAME) // FRAME
    ticks = frames + late
    padded = np.zeros(ticks * FRAME, np.float32)
    padded[lead : lead + len(sound)] = sound[: len(padded) - lead]
    controls = np.zeros((ticks, 52), np.float32)
    for tick in range(ticks):
        controls[tick] = lip_sync.step(slots, padded[None, tick * FRAME : (tick + 1) * FRAME])[0]
        if progress is not None and tick % 60 == 0:
            progress(tick / max(ticks, 1))
    if progress is not None:
        progress(1.0)
    return controls[late:]


def to_media_rate(pcm: FloatArray, rate: int) -> FloatArray:
    """Mono sound [S] at any rate (4..192 kHz) brought to 48 kHz; InputError when it is not mono sound."""
    if pcm.ndim != 1:
        raise InputError(
            f"lip-sync needs mono sound of shape (samples,), not {pcm.shape}: mix the channels first"
        )
    if not 4_000 <= rate <= 192_000:
        raise InputError(f"a sample rate of {rate} Hz is outside 4000..192000: resample the recording")
    sound = np.nan_to_num(pcm.astype(np.float32), nan=0.0, posinf=1.0, neginf=-1.0)
    if rate == RATE or not len(sound):
        return sound
    from scipy.signal import resample_poly

    common = int(np.gcd(rate, RATE))
    return resample_poly(sound, RATE // common, rate // common).astype(np.float32)
