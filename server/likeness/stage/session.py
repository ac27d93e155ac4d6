"""Session: one person's or agent's stay in a room, the unit that is tagged, logged and sealed."""

import contextlib
import hashlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from likeness.errors import DeniedError, InputError, LikenessError, LimitError, MachineError
from likeness.head.controls import CONTROL_COUNT, CONTROL_INDEX
from likeness.head.frame import SAMPLE_RATE, Float32
from likeness.performance.client_packets import (
    ControlsIn,
    Ping,
    Pong,
    Pose,
    Stop,
    Voice,
    decode_client,
    encode_client,
)
from likeness.performance.emotion import emotion_controls
from likeness.performance.packet import PacketError, newer_epoch
from likeness.speech import Resampler, is_usual_rate
from likeness.stage.face_recording import FaceRecording
from likeness.stage.grant import Action, Grant
from likeness.stage.outlet import Outlet, VoicePacket
from likeness.stage.performer import Performer
from likeness.stage.rate_limit import RateLimit
from likeness.stage.record import Record
from likeness.stage.speaker import Speaker, Utterance
from likeness.stage.timeline import as_float, as_int16
from likeness.tracking.face import TrackedFace
from likeness.tracking.landmarks import KIND as LANDMARKS
from likeness.tracking.landmarks import decode as decode_landmarks
from likeness.v1 import room_pb2
from likeness.v1.room_pb2 import Notice, SpeechState

if TYPE_CHECKING:
    from likeness.stage.room import Room
    from likeness.stage.stage import Stage

MISSED: Final = 256
"""Control messages that are kept for a session whose person is away."""
UNSURE: Final = 10.0
"""Seconds for which a notice may have gone into a connection that was dead, or never came to be."""
MOST_SAMPLES: Final = 96_000
"""Samples in one piece of live audio."""
AUDIBLE: Final = 60.0
"""Loudness below which a microphone hears a quiet room: mean of int16 samples, -54 dB."""
TYPED: Final = 2000.0
"""Loudness of a synthetic voice."""
FADES: Final = 0.25
"""Seconds in which a voice's loudness is halved once it is silent."""


class SilencedError(DeniedError):
    """A moderator does not let this person speak now."""

    code = "silenced"


class Session:
    """One stay. Transports attach an Outlet to it and hand it whatever their client sends.

    Made by `Stage.hello`. Nothing a client sends raises out of `handle` or `handle_datagram`, and nothing
    it sends can disturb another session.
    """

    def __init__(
        self,
        *,
        id: str,
        resume_token: str,
        room: "Room",
        performer: Performer | None,
        speaker_of: Callable[["Session", Performer], Speaker],
        grant: Grant,
        name: str,
        peer: str,
        batch_seals: bool,
        record: Record,
        stage: "Stage",
    ) -> None:
        self.id = id
        self.resume_token = resume_token
        self.room = room
        self.performer = performer
        self.grant = grant
        self.name = name
        self.peer = peer
        self.batch_seals = batch_seals
        """Its client takes seals in batches."""
        self.record = record
        self.outlet: Outlet | None = None
        self.hear_self = False
        self.seat = -1
        """Its place in the room, see stage.seat; an observer has none."""
        self.muted = False
        """A moderator lets nobody hear it."""
        self.frozen = False
        """A moderator lets nothing move its avatar."""
        self.closed = ""
        """Why the session ended; empty while it lives."""
        self.lost_at: float | None = stage.now()
        """When its person went away, or was announced; None while connected."""
        self.rejected = 0
        """Messages that could not be used or came too fast."""
        self.speaker = None if performer is None else speaker_of(self, performer)
        self.last_heard = 0.0
        self.pings = False
        self.face_allowed = False
        """Whether the person lets their own face be captured."""
        self._face_recording: FaceRecording | None = None
        self._tracker_sequence = 0
        self._arrived = False
        self._microphone_wanted = False
        self._level = 0.0
        self._level_at = 0.0
        self._emotion: Float32 | None = None
        self._by_hand: tuple[Float32 | None, Float32 | None] = (None, None)
        self._stage = stage
        self._missed: deque[room_pb2.ServerMessage] = deque(maxlen=MISSED)
        self._told: deque[tuple[float, room_pb2.ServerMessage]] = deque(maxlen=16)
        """The last notices that were handed to an outlet, and when."""
        limits = stage.config.limits
        self._messages = RateLimit(limits.messages_per_second, 2 * limits.messages_per_second, stage.now)
        self._sound = RateLimit(1.25 * SAMPLE_RATE, 3 * SAMPLE_RATE, stage.now)
        self._complaints = RateLimit(1.0, 5.0, stage.now)
        self._notices = RateLimit(5.0, 50.0, stage.now)
        self._resampler: tuple[int, Resampler] | None = None
        self._pose_sequence = -1
        self._controls_sequence = -1

    @property
    def avatar(self) -> int:
        """The id of the own performer in the room; 0 for an observer."""
        return self.performer.avatar if self.performer else 0

    @property
    def called(self) -> str:
        """How others call this person."""
        role = "" if self.room.hosted else f"the {self.grant.role}"
        who = self.performer.character.name if self.performer else "an observer"
        return self.name or role or who

    # --- what comes and goes -------------------------------------------------------------------------

    def attach(self, outlet: Outlet) -> None:
        """Send everything to `outlet` from now on; an earlier outlet is closed."""
        if self.closed:
            outlet.close(self.closed)
            return
        before, self.outlet = self.outlet, outlet
        if before is not None and before is not outlet:
            before.close("replaced: this session was opened somewhere else")
        returned = self._arrived and self.lost_at is not None
        pending = [*self._perhaps_unread(), *self._missed]
        self._missed.clear()
        self._arrived, self.lost_at = True, None
        self.last_heard = self._stage.now()
        self.pings = False
        for message in pending:
            self.tell(message)
        if returned:
            self.record.note("resumed", {})
            self.room.changed = True
        self.room.tell_state(self, self.room.state())

    def detach(self, outlet: Outlet) -> None:
        """The connection behind `outlet` is gone; the session waits for its person, then closes."""
        if self.outlet is outlet:
            self.outlet = None
            self.lose()

    def lose(self) -> None:
        """Start waiting for the person to return."""
        if self.lost_at is None and not self.closed:
            self.lost_at = self._stage.now()
            self.close_microphone()
            self.record.note("lost", {})
            self.room.changed = True

    def _perhaps_unread(self) -> list[room_pb2.ServerMessage]:
        """Takes out the notices that an earlier connection was given but may not have delivered: nothing came
        from its client since. Read twice is better than never."""
        lost = self._stage.now() if self.lost_at is None else self.lost_at
        since = max(self.last_heard - 1.0, lost - UNSURE)
        unsure = [message for told, message in self._told if told >= since]
        self._told.clear()
        return unsure

    def forget_missed(self) -> None:
        """A new Welcome says all that was missed, but for what the person should read."""
        notices = [message for message in self._missed if message.HasField("notice")]
        self._missed.clear()
        self._missed.extend(notices)

    def cut_slow(self) -> None:
        """Its connection was cut because it read too slowly; its person reads why when they return."""
        self.notice(
            Notice.WARNING,
            "slow",
            "Your connection was cut: for some seconds it took in less than was sent. Close other programs "
            "or find a better network.",
        )

    def tell(self, message: room_pb2.ServerMessage) -> None:
        """A control message for this session; kept while its person is away."""
        if self.outlet is not None:
            self.outlet.send_control(message)
            if message.HasField("notice"):
                self._told.append((self._stage.now(), message))
        elif message.WhichOneof("body") not in ("seal", "seals"):
            self._missed.append(message)

    def notice(self, level: "Notice.Level", code: str, text: str, *, fatal: bool = False) -> None:
        """Something the person should read, such as what a moderator orders; answers to their own mistakes do
        not crowd it out. More than anybody could read is left out, except what is fatal."""
        if fatal or self._notices.take():
            self.tell(_notice(level, code, text, fatal))

    def send_motion(self, datagram: bytes) -> None:
        """Motion for this session, if somebody is there."""
        if self.outlet is not None:
            self.outlet.send_motion(datagram)

    def hears(self) -> bool:
        """Whether voice is wanted."""
        return self.outlet is not None and self.outlet.want_voice

    def send_voice(self, packet: VoicePacket) -> None:
        """Voice for this session."""
        outlet = self.outlet
        # An outlet that came while the block was being made may want it in another form: it gets the next.
        if outlet is not None and outlet.want_voice and (packet.opus or not outlet.want_opus):
            outlet.send_voice(packet)

    # --- what the client sends -----------------------------------------------------------------------

    async def handle(self, message: room_pb2.ClientMessage) -> None:
        """Do what a message asks; whatever is wrong with it becomes a Notice."""
        self.last_heard = self._stage.now()
        if self.closed:
            return
        body = message.WhichOneof("body")
        try:
            if body == "audio":  # has a rate limit of its own: samples
                self._audio(message.audio)
                return
            if body == "motion":
                self.handle_datagram(message.motion)
                return
            if not self._messages.take():
                raise LimitError("messages come too fast; the newest was left out. Send fewer a second.")
            match body:
                case "say":
                    self._say(message.say)
                case "stop":
                    self._stop(message.stop.avatar, message.stop.epoch or None)
                case "microphone":
                    self._microphone(message.microphone)
                case "listener":
                    self._listener(message.listener)
                case "override":
                    self._override(message.override)
                case "consent":
                    self._consent(message.consent)
                case "calibrate":
                    self._stage.calibrate(self._face())
                case "moderate":
                    await self._stage.moderate(self, message.moderate)
                case "emotion":
                    self._set_emotion(message.emotion)
                case "ping":
                    self._ping(message.ping)
                case "bye":
                    await self._stage.end(self, message.bye.reason[:200] or "bye")
                case "hello":
                    raise InputError("hello was said already; open another connection for another session.")
                case _:
                    raise InputError("an empty message; it needs one body, e.g. say.")
        except LikenessError as error:
            if body == "say":
                self._speech(SpeechState.FAILED, Utterance(message.say.id, ""), str(error))
            self.reject(error)

    def reject(self, error: LikenessError) -> None:
        """Count a message that could not be used, and say why."""
        self.rejected += 1
        self._stage.metrics.rejected.inc()
        self._complain(error.code, str(error))

    def _complain(self, code: str, text: str) -> None:
        """Answer what the person's own client did wrong; one that does it again and again is told less."""
        if self._complaints.take():
            self.tell(_notice(Notice.WARNING, code, text, False))

    def handle_datagram(self, data: bytes) -> None:
        """Do what a client datagram of docs/protocol.md asks; a bad one is dropped and counted."""
        self.last_heard = self._stage.now()
        if self.closed:
            return
        try:
            if len(data) > self._stage.config.limits.message_bytes or not self._messages.take():
                raise LimitError("too large or too many datagrams")
            if data[:1] == bytes([LANDMARKS]):
                performer, landmarks = self._face(), decode_landmarks(data)
                self._keep_face(data)
                if not self.frozen:
                    self._stage.set_landmarks(performer, landmarks)
                    self._stage.update_driver(self)
                return
            datagram = decode_client(data)
            match datagram:
                case Stop():
                    self._stop(datagram.avatar, datagram.epoch)
                case Pose():
                    self._pose(datagram)
                case ControlsIn():
                    self._controls(datagram, data)
                case Ping():
                    self.pings = True
                    now = self._stage.wall() * 1000
                    self.send_motion(encode_client(Pong(datagram.nonce, datagram.client_time, now)))
                case Voice():
                    if datagram.codec != 1:
                        raise PacketError("Opus is decoded by the transport, not here.")
                    self.push_microphone(np.frombuffer(datagram.payload, "<i2"))
                case _:
                    pass  # a pong needs no answer
        except LikenessError:
            self.rejected += 1
            self._stage.metrics.rejected.inc()

    def push_microphone(self, pcm: NDArray[np.int16] | NDArray[np.float32], rate: int = SAMPLE_RATE) -> None:
        """Live sound, mono, int16 or float32 in -1..1, as it comes; ignored while the microphone is shut."""
        performer = self.performer
        if self.closed or performer is None or performer.microphone is None or not len(pcm):
            return
        if self.room.silence_of(self):
            return
        if not is_usual_rate(rate) or not self._sound.take(len(pcm) * SAMPLE_RATE / rate):
            self.rejected += 1
            self._stage.metrics.rejected.inc()
            return
        if rate != SAMPLE_RATE:
            if self._resampler is None or self._resampler[0] != rate:
                self._resampler = (rate, Resampler(rate, SAMPLE_RATE))
            pcm = self._resampler[1].push(as_float(pcm))
            if not len(pcm):
                return  # a few samples at a low rate: the resampler keeps them for the next packet
        sound = as_int16(pcm)
        if self.room.chooses:
            now = self._stage.now()
            self._level = max(float(np.abs(sound.astype(np.int32)).mean()), self.loudness(now))
            self._level_at = now
        performer.microphone.push(sound, performer.clock(self._stage.clock.sample()))
        self._stage.wake()

    def loudness(self, now: float) -> float:
        """How loud the voice is, mean of int16 samples, fading within a second; 0: silent."""
        typed = TYPED if self.speaker is not None and self.speaker.speaking else 0.0
        spoken = self._level * 2.0 ** ((self._level_at - now) / FADES)
        return max(typed, spoken) if spoken > AUDIBLE else typed

    # --- one body each ---------------------------------------------------------------------------------

    def _own(self, action: Action) -> Performer:
        self.grant.require(action)
        if self.performer is None:
            raise InputError("an observer has no avatar; say hello with a character to have one.")
        return self.performer

    def _say(self, say: room_pb2.Say) -> None:
        self._own(Action.SPEAK)
        silence = self.room.silence_of(self)
        if silence:
            raise SilencedError(silence)
        limit = self._stage.config.limits.text_length
        if len(say.text) > 8 * limit:
            raise LimitError(f"the text has {len(say.text)} characters; the limit is {limit}.")
        assert self.speaker is not None
        self.speaker.say(say.text, say.id)
        said: dict[str, object] = {
            "sha256": hashlib.sha256(say.text.encode()).hexdigest(),
            "length": len(say.text),
        }
        if self._stage.config.provenance.log_text:
            said["text"] = say.text
        self.record.note("said", said)
        self._stage.update_driver(self)

    def _stop(self, avatar: int, epoch: int | None) -> None:
        target = self
        if avatar not in (0, self.avatar):
            self.room.require_moderator(self)
            other = self.room.session_of(avatar)
            if other is None:
                raise InputError(f"there is no avatar {avatar} in this room.")
            target = other
        performer = target.performer
        if performer is None or target.speaker is None:
            raise InputError("an observer has no avatar to stop.")
        wanted = (performer.epoch + 1) & 0xFFFF if epoch is None else epoch & 0xFFFF
        if not newer_epoch(wanted, performer.epoch):
            return  # one of the five copies of an order that was taken
        speaking = target.speaker.speaking
        target.speaker.stop()
        self._stage.set_epoch(performer, wanted)
        if speaking:
            target.record.note("stopped", {"by": self.id, "sample": performer.heard})
        self._stage.update_driver(target)

    def _microphone(self, wish: room_pb2.Microphone) -> None:
        self.hear_self = wish.hear_self
        if wish.open:
            self._own(Action.SPEAK)
            self._microphone_wanted = True
            silence = self.room.silence_of(self)
            if silence:
                raise SilencedError(silence)
            self.open_microphone()
        else:
            self._microphone_wanted = False
            self.close_microphone()

    def open_microphone(self) -> None:
        """Let the person's live voice drive the avatar."""
        performer = self._own(Action.SPEAK)
        if performer.microphone is None:
            self._stage.open_microphone(performer)
            self._resampler = None
        else:
            performer.microphone.closing = False
        self._stage.update_driver(self)

    def close_microphone(self) -> None:
        """What was spoken is still heard; nothing more is taken."""
        if self.performer is not None and self.performer.microphone is not None:
            self._stage.close_microphone(self.performer)

    def _audio(self, audio: room_pb2.AudioIn) -> None:
        performer = self._own(Action.SPEAK)
        if len(audio.pcm16) % 2 or len(audio.pcm16) > 2 * MOST_SAMPLES:
            raise InputError(
                f"{len(audio.pcm16)} bytes of audio; send whole int16 samples, at most a second."
            )
        rate = audio.sample_rate or SAMPLE_RATE
        if not is_usual_rate(rate):
            raise InputError(
                f"a sample rate of {rate}; send one that devices record at, such as 16000, 44100 or 48000."
            )
        self._microphone_wanted = True
        silence = self.room.silence_of(self)
        if silence:
            raise SilencedError(silence)
        if performer.microphone is None or performer.microphone.closing:
            self.open_microphone()
        self.push_microphone(np.frombuffer(audio.pcm16, "<i2"), rate)

    def _listener(self, listener: room_pb2.Listener) -> None:
        position = np.array([listener.x, listener.y, listener.z], np.float32)
        if not np.isfinite(position).all() or np.abs(position).max() > 16:
            raise InputError("the listener is not within 16 m of the scene's origin.")
        if self.performer is not None:
            self._stage.set_listener(self.performer, position)

    def _override(self, override: room_pb2.Override) -> None:
        performer = self._own(Action.OVERRIDE)
        controls = None
        if override.controls:
            controls = np.full(CONTROL_COUNT, np.nan, np.float32)
            for name, value in override.controls.items():
                if name not in CONTROL_INDEX:
                    raise InputError(f"no control {name[:40]!r}; the 52 have ARKit's names, e.g. jawOpen.")
                controls[CONTROL_INDEX[name]] = min(max(value, 0.0), 1.0) if np.isfinite(value) else 0.0
        expression = np.array(override.expression, np.float32) if override.expression else None
        if expression is not None and (
            len(expression) > len(performer.components) or not np.isfinite(expression).all()
        ):
            most = len(performer.components)
            raise InputError(f"{len(expression)} expression values; this head has {most}, all finite.")
        self._by_hand = controls, expression
        if not self.frozen:
            self._stage.set_override(performer, controls, expression)

    def _set_emotion(self, emotion: room_pb2.Emotion) -> None:
        performer = self._own(Action.EMBODY)
        self._emotion = emotion_controls(emotion.name, emotion.weight)
        if not self.frozen:
            self._stage.set_emotion(performer, self._emotion)

    # --- what the room allows ------------------------------------------------------------------------

    def heed(self) -> None:
        """Fall silent if the room wants it; take the microphone up again if it no longer does."""
        performer, speaker = self.performer, self.speaker
        if performer is None or speaker is None or self.closed:
            return
        if not self.room.silence_of(self):
            if self._microphone_wanted and self.lost_at is None:
                self.open_microphone()
            return
        self.close_microphone()
        if speaker.speaking:
            speaker.stop()
            self._stage.set_epoch(performer, (performer.epoch + 1) & 0xFFFF)
            self.record.note("stopped", {"by": "room", "sample": performer.heard})
        self._stage.update_driver(self)

    def freeze(self, frozen: bool) -> None:
        """Let nothing but idle life move the avatar, nor speak through it; or let everything again."""
        self.frozen = frozen
        self.heed()
        if self.performer is not None:
            self._show_lasting()

    def _show_lasting(self) -> None:
        """Set what lasts (emotion, manual layer), or take away everything while frozen."""
        assert self.performer is not None
        if self.frozen:
            self._stage.rest(self.performer)
        else:
            self._stage.set_emotion(self.performer, self._emotion)
            self._stage.set_override(self.performer, *self._by_hand)

    def restore(self) -> None:
        """Show what lasts again: the engine that knew it is gone."""
        if self.performer is not None:
            self._show_lasting()

    def _pose(self, pose: Pose) -> None:
        performer = self._own(Action.TRACK)
        if self._pose_sequence >= 0 and (pose.sequence - self._pose_sequence) & 0xFFFFFFFF >= 1 << 31:
            return  # overtaken by a newer one
        self._pose_sequence = pose.sequence
        if self.frozen:
            return
        self._stage.set_pose(performer, pose)
        self._stage.update_driver(self, tracked=True)

    def _controls(self, controls: ControlsIn, data: bytes) -> None:
        performer = self._face()
        if (
            self._controls_sequence >= 0
            and (controls.sequence - self._controls_sequence) & 0xFFFFFFFF >= 1 << 31
        ):
            return
        self._controls_sequence = controls.sequence
        self._keep_face(data)
        if self.frozen:
            return
        self._stage.set_tracked(performer, controls)
        self._stage.update_driver(self, tracked=True)

    def _face(self) -> Performer:
        performer = self._own(Action.TRACK)
        if not self.face_allowed:
            self._complain("consent", "Your face moves nothing until you allow face capture (consent).")
            raise DeniedError("no consent to face capture; send consent first.")
        return performer

    def _consent(self, consent: room_pb2.Consent) -> None:
        performer = self._own(Action.TRACK)
        self.record.note("consent", {"face_capture": consent.face_capture, "recording": consent.recording})
        self.face_allowed = consent.face_capture
        if consent.recording and self._face_recording is None:
            self._face_recording = self._stage.record_face(self)
            self.record.note("face_recording", {"kept": True})
        elif not consent.recording and self._face_recording is not None:
            recording, self._face_recording = self._face_recording, None
            recording.delete()
            self.record.note("face_recording", {"kept": False})
        if not consent.face_capture:
            self._stage.forget_face(performer)
            self._stage.update_driver(self)

    def allow_tracker(self, source: str) -> None:
        """An operator says that the person agreed to be driven by a phone or tracker. It is logged as the
        operator's word; the person is told, and their own Consent takes it back at any time.

        Raises:
            DeniedError: the session has no avatar, or its grant does not allow tracking.
        """
        self._own(Action.TRACK)
        self.record.note(
            "consent", {"face_capture": True, "recording": False, "by": "operator", "source": source}
        )
        self.face_allowed = True
        self.notice(
            Notice.INFO,
            "tracker",
            f"{source} moves your character: an operator said that you agreed. To end it at once, untick "
            "'Let a phone or tracker move my face'.",
        )

    def _keep_face(self, datagram: bytes) -> None:
        """With the person's permission what moved their avatar stays with the session."""
        if self._face_recording is not None:
            try:
                self._face_recording.add(self._stage.wall(), datagram)
            except MachineError as error:
                self.reject(error)

    def close_recording(self) -> None:
        """The session is over: what may be kept is on disk."""
        if self._face_recording is not None:
            with contextlib.suppress(OSError):
                self._face_recording.close()

    def drive_face(self, face: TrackedFace | None) -> None:
        """A bound phone or tracker saw the person's face, or lost it; nothing without consent."""
        if self.closed or self.performer is None or not self.face_allowed or self.frozen:
            return
        if face is not None and self._face_recording is not None:
            head = face.head_rotation if face.head_rotation is not None else np.zeros(3, np.float32)
            self._tracker_sequence = (self._tracker_sequence + 1) & 0xFFFFFFFF
            weights = ControlsIn(self._tracker_sequence, face.looking, head, np.zeros(2, np.float32))
            self._keep_face(encode_client(weights))
        self._stage.set_face(self.performer, face)
        self._stage.update_driver(self)

    def _ping(self, ping: room_pb2.Ping) -> None:
        self.pings = True
        pong = room_pb2.Pong(
            nonce=ping.nonce, client_time_ms=ping.client_time_ms, server_time_ms=self._stage.wall() * 1000
        )
        if self.outlet is not None:
            self.outlet.send_control(room_pb2.ServerMessage(pong=pong))

    def _speech(self, phase: "SpeechState.Phase", utterance: Utterance, error: str = "") -> None:
        """Only to this session: the room hears a text when it is spoken, not when it fails to be."""
        state = SpeechState(
            avatar=self.avatar, id=utterance.id, phase=phase, text=utterance.text, error=error
        )
        self.tell(room_pb2.ServerMessage(speech=state))


def _notice(level: "Notice.Level", code: str, text: str, fatal: bool) -> room_pb2.ServerMessage:
    return room_pb2.ServerMessage(notice=Notice(level=level, code=code, text=text, fatal=fatal))
