"""Stage: all rooms on one clock; one pass makes every frame and voice block that is due."""

import asyncio
import hmac
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from likeness.errors import (
    DeniedError,
    InputError,
    LikenessError,
    LimitError,
    MachineError,
    NotFoundError,
    SealError,
)
from likeness.head import Character, character_stamps, load_character
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Float32
from likeness.performance.client_packets import ControlsIn, Pose
from likeness.speech import Voice
from likeness.stage.clock import StageClock
from likeness.stage.config import ServerConfig
from likeness.stage.engine_process import Answer, EngineDied, EngineProcess
from likeness.stage.face_recording import FaceRecording
from likeness.stage.fan_out import Audience, MadeFrame
from likeness.stage.gather import MadeVoice, VoiceRound, batch, rounds
from likeness.stage.grant import OPEN_GRANT, Action, Grant, read_token
from likeness.stage.metrics import StageMetrics
from likeness.stage.microphone import Microphone
from likeness.stage.moderation import moderate
from likeness.stage.outlet import BLOCK, ControlText
from likeness.stage.performer import CATCH_UP, FrameJob, Performer, VoiceJob
from likeness.stage.rate_limit import PeerLimits
from likeness.stage.record import Archive
from likeness.stage.room import SCENES, Room, seat_of
from likeness.stage.room_code import as_code, check_room_id, new_room_code, new_room_id
from likeness.stage.seat import place_of
from likeness.stage.session import Session
from likeness.stage.speaker import Speaker, Utterance
from likeness.tracking.face import TrackedFace
from likeness.tracking.landmarks import LandmarkFrame
from likeness.v1 import likeness_pb2, room_pb2, stream_pb2
from likeness.v1.room_pb2 import Notice, ServerMessage, SpeechState

_log = logging.getLogger(__name__)

GAP: Final = 0.001
"""Seconds between passes at least: sound that arrives together is worked on together."""
EAGER_VOICES: Final = 16
"""Up to so many open microphones a frame is made as soon as its sound is here. With more of them that would
be a pass for every few packets, and each has a price of its own: one pass a tick makes a frame of each."""
CROWD: Final = 8
"""Sessions of one room up to which that is so: each pass has a message for every one of them."""
PAIRED_VOICES: Final = 64
"""From so many on, a pass every second tick makes two frames of each, which travel in one message."""
PAIRED_MARGIN: Final = 4 * BLOCK
"""How much later voices are heard then: frames wait for passes, and these for one another."""
STALL: Final = SAMPLE_RATE // 4
"""A pass that comes this much too late stops the media clock instead of hurrying after it."""
IDLE_AFTER: Final = 1.0
"""Seconds without any driver before the mark says so."""
LAST_WORDS: Final = 0.5
"""Seconds for which a microphone that is shut is still listened to, as what was spoken may be on its way.
No longer: a browser's line goes on, with silence."""
FACE_HELD: Final = 3.0
"""Seconds for which a face that was seen drives at most until it is seen again: the slowest tracker's, see
performance.layers."""
GUESSES: Final = (0.1, 10.0)
"""Room codes that do not exist, from one address: a second, and saved up."""
MAX_NAME: Final = 60
"""Characters of a person's name."""
BACKLOG: Final = 3
"""When more than one performer in so many has sound for the next pass's frames, no tick is waited for."""
PASSES: Final = 2
"""Passes under way at once: one is made while the last one is sent."""
SOON: Final = 0.7
"""Share of a usual pass after which the next one may follow it to the engine."""
EARLY: Final = SAMPLES_PER_FRAME // 2
"""Where only a few of many speak, their voices are heard this long before the next tick: its frames then wait
for no lip-sync, and nobody's motion for another's voice."""
FEW: Final = 3
"""Few are one performer in so many, at most."""
STREAK: Final = 120
"""Passes that may fail in a row before the stage is no longer ready."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """What was asked of the engine at one moment."""

    groups: list[list[FrameJob]]
    voice_round: VoiceRound
    early: "_Early | None"
    began: float


@dataclass(frozen=True, slots=True)
class _Early:
    """What was asked of the engine before the pass with which it goes out: to hear these jobs, and to encode
    these voices."""

    jobs: list[FrameJob]
    voice_round: VoiceRound
    answer: "asyncio.Future[Answer]"


class Stage:
    """Rooms, sessions and the loop that feeds them.

    Args:
        voice: started by `start`, closed by `stop`.
        now: monotonic seconds; must be the event loop's own time source. wall: seconds since 1970.
    """

    def __init__(
        self,
        config: ServerConfig,
        *,
        voice: Voice,
        engine: EngineProcess,
        archive: Archive,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.voice = voice
        self.archive = archive
        self.now = now
        self.wall = wall
        self.clock = StageClock(now)
        self.metrics = StageMetrics()
        self.control_text = ControlText()
        self.ready = False
        """Everything is running and may be used."""
        self.characters: dict[str, Character] = {}
        """Everyone who can be portrayed, by id; read again every ten seconds."""
        self.rooms: dict[str, Room] = {}
        self.sessions: dict[str, Session] = {}
        self.engine = engine
        self._lead = max(1, round(config.stage.lead_ms / 20)) * BLOCK
        self._character_list = likeness_pb2.ListCharactersResponse()
        self._listed_at = -1e9
        self._stamps: dict[str, tuple[object, ...]] = {}
        self._resume: dict[str, Session] = {}
        self._opening = 0
        rate = config.limits.hellos_per_second
        self._hellos = PeerLimits(rate, max(2 * rate, 2), now)
        self._guesses = PeerLimits(*GUESSES, now)
        self._tracked: dict[Performer, float] = {}
        self._driven: dict[Performer, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakeup: asyncio.Future[None] | None = None
        self._called = False
        self._next_pass = 0.0
        self._microphones = self._performers = 0
        self._crowded = False
        """A room holds more than CROWD sessions; looked up once a pass, for every packet asks."""
        self._frames_at = 0
        """The sample before which no frames are made, however much sound is here."""
        self._more = 0
        """Voices whose sound for the frames of another pass was here at the last one."""
        self._hears_early = False
        """A few of many speak: see EARLY."""
        self._early: _Early | None = None
        """What waits for the next tick."""
        self._passes: deque[_Pass] = deque()
        """Under way, oldest first."""
        self._landed: asyncio.Future[None] | None = None
        """Done when a pass has ended."""
        self._usual = 0.005
        """Seconds that a pass takes."""
        self._engine_died = False
        self._streak = 0
        self._stopping = False

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the voice and the loop. Raises MachineError when the machine lacks something."""
        await asyncio.gather(self.voice.start(), self.engine.start(), self._list_characters())
        self._spawn(self._run(), "stage loop")
        self._spawn(self._watch(), "stage watch")
        self.ready = True

    async def stop(self) -> None:
        """End every session with a log entry, then the loop and the voice."""
        await self.end_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.voice.aclose()
        await self.engine.stop()

    async def end_all(self) -> None:
        """Take no more sessions, and end those there are: everybody is told, everything is logged."""
        self.ready, self._stopping = False, True
        await asyncio.gather(*(self.end(s, "the server stops") for s in list(self.sessions.values())))

    async def hello(self, hello: room_pb2.Hello, peer: str) -> tuple[Session, room_pb2.Welcome]:
        """Open a session, or resume one. `peer` is the address for rate limits and the log.

        The session waits for an outlet as long as a lost one waits for its person.

        Raises:
            DeniedError: no fitting token, or a resume token that is no longer known.
            LimitError: too many sessions, rooms or seats, or hellos too fast.
            NotFoundError: no such character. InputError: a scene or room name that cannot be.
            SealError: the session could not be logged.
        """
        try:
            if not self.ready:
                what = "stopping" if self._stopping else "starting, or in trouble"
                raise MachineError(f"the server is {what}; try again in a moment.")
            if not self._hellos.take(host_of(peer)):
                raise LimitError("too many new sessions from your address; wait a moment and try again.")
            if hello.resume:
                return self._resumed(hello.resume)
            return await self._opened(hello, peer)
        except LikenessError as error:
            self.metrics.refused.labels(error.code).inc()
            raise

    async def end(self, session: Session, reason: str) -> None:
        """Close a session: tell the room, write the log, let go of everything. May be called twice."""
        if session.closed:
            return
        session.closed = reason
        self._resume.pop(session.resume_token, None)
        self.sessions.pop(session.id, None)
        room = session.room
        performer = session.performer
        session.close_recording()
        if session.speaker is not None:
            await session.speaker.close()
        if performer is not None:
            self._release(performer)
            try:
                seal = session.record.flush()
                if seal is not None and not performer.failed:
                    room.send_seal(seal)
            except LikenessError:
                _log.exception("the last seal of session %s failed", session.id)
            room.tell(ServerMessage(left=room_pb2.Left(avatar=performer.avatar, reason=reason)), session)
        room.leave(session)
        self._forget_empty(room)
        self.metrics.sessions.set(len(self.sessions))
        outlet, session.outlet = session.outlet, None
        if outlet is not None:
            outlet.close(reason)
        try:
            # A bye is handled in a task of its connection, which is cancelled as soon as the outlet ends.
            await asyncio.shield(session.record.close(reason))
        except LikenessError:
            _log.exception("the end of session %s could not be logged", session.id)

    async def fail(self, session: Session, text: str) -> None:
        """Fail closed: this session's stream stops, others go on."""
        self.metrics.provenance_failures.inc()
        session.notice(Notice.ERROR, SealError.code, text, fatal=True)
        await self.end(session, text)

    async def moderate(self, by: Session, order: room_pb2.Moderate) -> None:
        """Carry out a moderator's order. Raises DeniedError, InputError."""
        await moderate(self, by, order)

    def character_list(self) -> likeness_pb2.ListCharactersResponse:
        """Everyone who can be portrayed, as a message."""
        return self._character_list

    @property
    def scenes(self) -> tuple[str, ...]:
        """Names of the scenes that a Hello may ask for."""
        return SCENES

    @property
    def server_key(self) -> bytes:
        """Ed25519 public key, 32 bytes."""
        return self.archive.server_key

    async def cast(self, id: str) -> Character:
        """A character by its id. Raises NotFoundError, InputError."""
        return self.characters.get(id) or await asyncio.to_thread(load_character, id)

    def grant(self, token: str) -> Grant:
        """What a token allows here. Raises DeniedError."""
        return read_token(token, self.config.token_secret) if self.config.token_secret else OPEN_GRANT

    # --- what sessions ask for -------------------------------------------------------------------------

    def wake(self) -> None:
        """There is live sound: make its frames now rather than at the next tick."""
        if not self._eager(self._microphones):
            return
        future = self._wakeup
        if future is None or future.done() or self._called:
            return
        wait = self._next_pass - self.now()
        if wait <= 0:
            future.set_result(None)
        else:
            self._called = True
            asyncio.get_running_loop().call_later(wait, _set, future)

    def open_microphone(self, performer: Performer) -> None:
        """Give a performer a live voice."""
        ahead = self.engine.look_ahead
        performer.microphone = Microphone(performer.next_frame, ahead, self._lead - BLOCK)
        if not performer.lips_ahead:
            self.engine.post("listen", performer.row)

    def close_microphone(self, performer: Performer) -> None:
        """Take the live voice away once it has been heard to its end."""
        self._spawn(self._close_microphone(performer, performer.microphone), "microphone end")

    def set_epoch(self, performer: Performer, epoch: int) -> None:
        """Frames from now on carry this epoch."""
        performer.epoch = epoch
        self.engine.post("set_epoch", performer.row, epoch)

    def set_listener(self, performer: Performer, position: Float32) -> None:
        """Where the person is whom the performer looks at, [3] m."""
        self.engine.post("set_listener", performer.row, position)

    def set_override(
        self, performer: Performer, controls: Float32 | None, expression: Float32 | None
    ) -> None:
        """A manual layer: [52] with nan where the control is free, psi [<= E]."""
        self.engine.post("set_override", performer.row, controls, expression)

    def set_emotion(self, performer: Performer, controls: Float32 | None) -> None:
        """A lasting expression [52] under speech and tracking; None: none."""
        self.engine.post("set_emotion", performer.row, controls)

    def rest(self, performer: Performer) -> None:
        """Nothing that a person or a program wants moves the performer; idle life goes on."""
        self._tracked.pop(performer, None)
        self.engine.post("set_face", performer.row, None)
        self.engine.post("set_pose", performer.row, None, None, None)
        self.set_emotion(performer, None)
        self.set_override(performer, None, None)

    def set_pose(self, performer: Performer, pose: Pose) -> None:
        """The person's head and hands."""
        self._tracked[performer] = self.now()
        rotation, hands = pose.head_rotation(), pose.hands_from_head()
        self.engine.post("set_pose", performer.row, rotation, pose.position, hands)

    def set_tracked(self, performer: Performer, controls: ControlsIn) -> None:
        """The person's own face."""
        self._tracked[performer] = self.now()
        self.engine.post("set_tracked", performer.row, controls.looking, controls.head)

    def set_landmarks(self, performer: Performer, frame: LandmarkFrame) -> None:
        """The person's landmarks; solved with everybody's at the next tick."""
        if frame.points is None:
            self._tracked.pop(performer, None)
        else:
            self._tracked[performer] = self.now()
        self.engine.post("set_landmarks", performer.row, frame)

    def set_face(self, performer: Performer, face: TrackedFace | None) -> None:
        """What a phone or tracker saw of the person; None: it lost the face."""
        if face is None:
            self._tracked.pop(performer, None)
        else:
            self._tracked[performer] = self.now()
        self.engine.post("set_face", performer.row, face)

    def record_face(self, session: Session) -> FaceRecording:
        """A file for what the person's face does from now on. Raises MachineError."""
        return FaceRecording(self.config.data, session.id)

    def calibrate(self, performer: Performer) -> None:
        """The next second is the person's neutral face."""
        self.engine.post("calibrate", performer.row)

    def forget_face(self, performer: Performer) -> None:
        """The person's face moves the performer no more, from the next tick on."""
        self._tracked.pop(performer, None)
        self.engine.post("forget_face", performer.row)

    def update_driver(self, session: Session, tracked: bool = False) -> None:
        """See what drives a performer now; a change is logged and every mark in the room follows."""
        performer, speaker = session.performer, session.speaker
        if performer is None or speaker is None or session.closed:
            return
        now = self.now()
        if tracked:
            self._tracked[performer] = now
        driver = stream_pb2.DRIVER_IDLE
        if speaker.speaking:
            driver = stream_pb2.DRIVER_TEXT
        elif now - self._tracked.get(performer, -1e9) < FACE_HELD:
            driver = stream_pb2.DRIVER_TRACKING
        elif performer.microphone is not None:
            driver = stream_pb2.DRIVER_VOICE
        if driver != stream_pb2.DRIVER_IDLE:
            self._driven[performer] = now
        elif now - self._driven.get(performer, -1e9) < IDLE_AFTER:
            return
        if driver == performer.driver:
            return
        performer.driver = driver
        self.engine.post("set_driver", performer.row, driver)
        tag = session.record.tag(driver)
        session.record.note("driver", {"driver": tag.driven_by})
        session.room.tell(ServerMessage(mark=room_pb2.Mark(avatar=performer.avatar, tag=tag)))

    def header(self, session: Session, receiver: Session | None) -> stream_pb2.StreamHeader:
        """What a performer's frames are, as told to one receiver."""
        performer = session.performer
        assert performer is not None
        header = stream_header(performer)
        header.avatar = performer.avatar
        header.session = session.id
        header.self = session is receiver
        header.seat.CopyFrom(seat_of(place_of(session.seat)))
        header.tag.CopyFrom(session.record.tag(performer.driver))
        header.certificate.CopyFrom(session.record.certificate)
        return header

    # --- opening ---------------------------------------------------------------------------------------

    def _resumed(self, token: str) -> tuple[Session, room_pb2.Welcome]:
        session = next(
            (s for t, s in self._resume.items() if hmac.compare_digest(t.encode(), token.encode())), None
        )
        if session is None:
            raise DeniedError("that session is over; say hello without `resume` to start another.")
        session.forget_missed()
        self.metrics.resumed.inc()
        return session, self._welcome(session, resumed=True)

    async def _opened(self, hello: room_pb2.Hello, peer: str) -> tuple[Session, room_pb2.Welcome]:
        grant = self.grant(hello.token)
        scene = hello.scene or self.config.stage.default_scene
        if scene not in SCENES:
            raise InputError(f"no scene {scene[:40]!r}; there are: {', '.join(SCENES)}.")
        wanted = self.find_room(hello.room, peer) if hello.room else grant.room
        if grant.room and wanted != grant.room:
            raise DeniedError(f"the token is for the room {grant.room!r} only.")
        room_id = check_room_id(wanted) if wanted else new_room_id()
        limits, room = self.config.limits, self.rooms.get(room_id)
        if room is not None and grant.id in room.removed:
            why = room.removed[grant.id]
            raise DeniedError("you were removed from this room." + (f" Reason: {why}" if why else ""))
        if len(self.sessions) + self._opening >= limits.sessions:
            raise LimitError(f"the server is full ({limits.sessions} sessions); try again later.")
        if room is None and len(self.rooms) >= limits.rooms:
            raise LimitError(
                f"the server has {limits.rooms} rooms already; join one of them or try again later."
            )
        if room is not None and len(room.sessions) + room.expected >= limits.seats:
            raise LimitError(f"the room {room_id!r} is full ({limits.seats} seats).")
        if hello.character:
            grant.require(Action.EMBODY)
        if room is None:
            code = new_room_code({r.code for r in self.rooms.values()})
            room = self.rooms[room_id] = Room(room_id, scene, code, hosted=not self.config.token_secret)
        self._opening += 1
        room.expected += 1
        try:
            return await self._open(hello, peer, grant, room)
        finally:
            self._opening -= 1
            room.expected -= 1
            self._forget_empty(room)

    def find_room(self, name: str, peer: str) -> str:
        """The id of a room by its id or its short code; another id may become a room.

        Raises:
            NotFoundError: it has the form of a code, and no room has it.
            LimitError: codes were tried too often from this address.
        """
        code = as_code(name)
        if not code or name in self.rooms:
            return name
        limit = self._guesses.of(host_of(peer))
        if not limit.take():
            raise LimitError("too many room codes that do not exist came from your address; wait a minute.")
        found = next((r.id for r in self.rooms.values() if r.code == code), None)
        if found is None:
            raise NotFoundError(f"there is no room with the code {code!r}; ask for it again.")
        limit.give()
        return found

    def _forget_empty(self, room: Room) -> None:
        if not room.sessions and not room.expected and self.rooms.get(room.id) is room:
            self.rooms.pop(room.id)
            self.metrics.rooms.set(len(self.rooms))

    async def _open(
        self, hello: room_pb2.Hello, peer: str, grant: Grant, room: Room
    ) -> tuple[Session, room_pb2.Welcome]:
        character = await self.cast(hello.character) if hello.character else None
        name = grant.name or "".join(c for c in hello.name if c.isprintable())[:MAX_NAME].strip()
        record = await self.archive.open(
            character=character,
            room=room.id,
            scene=room.scene,
            role=grant.role,
            peer=host_of(peer),
            driver=stream_pb2.DRIVER_IDLE,
        )
        performer = None
        if character is not None:
            performer = await self.add_performer(character, room.next_avatar())
            performer.session = record.session
            record.seal_for(performer.avatar)
        session = Session(
            id=record.session,
            resume_token=secrets.token_urlsafe(24),
            room=room,
            performer=performer,
            speaker_of=self._speaker,
            grant=grant,
            name=name,
            peer=peer,
            batch_seals=hello.batch_seals,
            record=record,
            stage=self,
        )

        def fail(text: str) -> None:
            self._spawn(self.fail(session, text), "fail closed")

        record.on_failure = fail
        room.enter(session)
        self.sessions[session.id] = session
        self._resume[session.resume_token] = session
        self.metrics.opened.inc()
        self.metrics.sessions.set(len(self.sessions))
        self.metrics.rooms.set(len(self.rooms))
        if performer is not None:
            room.tell(ServerMessage(header=self.header(session, None)), session)
        return session, self._welcome(session, resumed=False)

    async def add_performer(self, character: Character, avatar: int) -> Performer:
        """A performer on the stage's clock, idle."""
        added = self.engine.call("add", character, secrets.randbits(32))
        self.wake()
        row, components, scales = await added
        return Performer(avatar, character, row, components, scales, self._lead, self.clock.tick())

    def _release(self, performer: Performer) -> None:
        performer.removed = True
        self.engine.post("remove", performer.row)
        self._tracked.pop(performer, None)
        self._driven.pop(performer, None)

    def _welcome(self, session: Session, resumed: bool) -> room_pb2.Welcome:
        room = session.room
        return room_pb2.Welcome(
            session=session.id,
            room=room.id,
            resume=session.resume_token,
            avatar=session.avatar,
            resumed=resumed,
            headers=[self.header(s, session) for s in room.sessions.values() if s.performer is not None],
            server_time_ms=int(self.wall() * 1000),
            server_key=self.archive.server_key,
            resume_seconds=int(self.config.stage.resume_seconds),
            scene=room.scene,
        )

    def _speaker(self, session: Session, performer: Performer) -> Speaker:
        def tell(phase: "SpeechState.Phase", utterance: Utterance, error: str = "") -> None:
            sample = utterance.start if phase == SpeechState.STARTED else utterance.end
            state = SpeechState(
                avatar=performer.avatar,
                id=utterance.id,
                phase=phase,
                sample=max(sample, 0),
                text=utterance.text,
                error=error,
            )
            session.room.tell(ServerMessage(speech=state))

        def pronounce(phones: list[tuple[str, int, int]]) -> None:
            self.engine.post("pronounce", performer.row, phones)

        return Speaker(
            performer,
            self.voice,
            performer.character.voice,
            self.config.limits.queued_says,
            pronounce,
            lambda: self._overhear(performer),
            lambda: self.engine.post("hush", performer.row),
            tell,
        )

    def _overhear(self, performer: Performer) -> None:
        """The voice does not know its phones: the lip-sync listens to it, as to a microphone."""
        performer.lips_ahead = self.engine.look_ahead
        if performer.microphone is None:
            self.engine.post("listen", performer.row)

    async def _close_microphone(self, performer: Performer, mic: Microphone | None) -> None:
        if mic is None:
            return
        mic.closing = True
        until = self.now() + LAST_WORDS
        while not mic.silent and performer.microphone is mic and self.now() < until:
            await asyncio.sleep(0.05)
        await asyncio.sleep((self._lead + self.engine.look_ahead + mic.margin) / SAMPLE_RATE)
        # It may have been wanted again meanwhile.
        if performer.microphone is mic and mic.closing and not performer.removed:
            performer.microphone = None
            if not performer.lips_ahead:
                self.engine.post("deafen", performer.row)

    # --- the loop --------------------------------------------------------------------------------------

    async def _run(self) -> None:
        last = self.clock.sample()
        while True:
            await self._rest()
            if self._engine_died:
                await self._revive()
            sample = self.clock.sample()
            if sample - last > STALL:
                lost = (sample - last) // SAMPLES_PER_FRAME - 1
                self.clock.slip(lost)
                self.metrics.slipped.inc(lost)
                sample, self._frames_at = self.clock.sample(), 0
            last = sample
            try:
                if self._awaits_early and sample < self._frames_at:
                    self._early = self._hear(*self._voices_due(sample))
                    continue
                early, self._early = self._early, None
                frames, voices = self._due(sample, early)
                if frames or voices or early or self.engine.pending:
                    self._begin(frames, voices, early)
            except Exception:  # one bad pass must not end everybody's session
                self._hears_early = False
                self._failed_pass()

    def _hear(self, frames: list[FrameJob], voices: list[VoiceJob]) -> _Early:
        """Ask for what the next pass shall find done."""
        groups, voice_round = rounds(frames), VoiceRound(voices)
        if groups:
            self.engine.post("hear", batch(groups[0]))
        return _Early(frames, voice_round, self.engine.request((), voice_round.blocks))

    def _begin(self, frames: list[FrameJob], voices: list[VoiceJob], early: _Early | None) -> None:
        """Ask for what is due."""
        groups, voice_round = rounds(frames), VoiceRound(voices)
        if not (groups or voice_round.blocks or early or self.engine.pending or self._passes):
            self._send_voices(voice_round.packets(()))  # nothing to make: sound as it came
            return
        answer = self.engine.request([batch(jobs) for jobs in groups], voice_round.blocks)
        self._passes.append(_Pass(groups, voice_round, early, self.now()))
        answer.add_done_callback(self._end)

    def _end(self, answer: "asyncio.Future[Answer]") -> None:
        """Send what was made; answers come in the order of their passes."""
        done = self._passes.popleft()
        try:
            self._deliver(done, answer.result())
            self._streak, self.ready = 0, not self._stopping
        except EngineDied:
            self._engine_died, self.ready = True, False
        except Exception:
            self._failed_pass()
        ended = self.now()
        self.metrics.pass_seconds.observe(ended - done.began)
        self._usual += 0.1 * (ended - done.began - self._usual)
        self._next_pass = ended + GAP
        if self._landed is not None:
            _set(self._landed)

    def _failed_pass(self) -> None:
        _log.exception("a pass of the stage failed")
        self.metrics.failed_passes.inc()
        self._streak += 1
        self.ready = self._streak < STREAK

    def _deliver(self, done: "_Pass", answer: Answer) -> None:
        made: dict[str, list[MadeFrame]] = {}
        for jobs, (encoded, _) in zip(done.groups, answer.frames, strict=True):
            for job, packet in zip(jobs, encoded, strict=True):
                self._seal(job, packet, made)
        now, count = self.now(), 0
        for room_id, of_room in made.items():
            count += len(of_room)
            room = self.rooms.get(room_id)
            if room is not None:
                room.send_motion(of_room, now)
        self.metrics.frames.inc(count)
        if done.early is not None:  # answered before this pass
            self._send_voices(done.early.voice_round.packets(done.early.answer.result().packets))
        self._send_voices(done.voice_round.packets(answer.packets))

    def _seal(self, job: FrameJob, packet: bytes, made: dict[str, list[MadeFrame]]) -> None:
        """A frame goes out only under a seal."""
        performer = job.performer
        session = self.sessions.get(performer.session)
        if session is None or performer.failed:
            return
        try:
            seal = session.record.add(job.sequence, packet)
        except (LikenessError, OSError, ValueError) as error:
            _log.exception("sealing failed for session %s", session.id)
            performer.failed = True
            self._spawn(self.fail(session, str(error)), "fail closed")
            return
        made.setdefault(session.room.id, []).append(MadeFrame(performer.avatar, job.sequence, packet))
        if seal is not None:
            session.room.send_seal(seal)
            self.metrics.seals.inc()

    def _send_voices(self, voices: list[MadeVoice]) -> None:
        for voice in voices:
            session = self.sessions.get(voice.performer.session)
            if session is not None and not voice.performer.failed:
                session.room.send_voice(session, voice.everyone, voice.own)
                self.metrics.voice_blocks.inc()

    async def _revive(self) -> None:
        """Another engine, with everybody on it; what was being said is cut, because its phones are lost."""
        _log.error("the engine died; another one is started")
        self._early = None
        await self.engine.stop()
        try:
            await self.engine.start()
            for session in list(self.sessions.values()):
                performer = session.performer
                if performer is None:
                    continue
                performer.row, _, _ = await self.engine.ask("add", performer.character, secrets.randbits(32))
                self.engine.post("set_driver", performer.row, performer.driver)
                self.engine.post("set_epoch", performer.row, performer.epoch)
                session.restore()
                if performer.microphone is not None or performer.lips_ahead:
                    self.engine.post("listen", performer.row)
                if session.speaker is not None and session.speaker.speaking:
                    session.speaker.stop()
            self._engine_died = False
        except LikenessError:
            _log.exception("the engine could not be started again")
            await asyncio.sleep(1.0)

    async def _rest(self) -> None:
        """Wait for the next tick or voice block, or for live sound, and until another pass may begin."""
        loop = asyncio.get_running_loop()
        sample = self.clock.sample()
        self._wakeup, self._called = loop.create_future(), False
        eager = self._eager(self._microphones)
        if eager:
            tick = max(self._frames_at, (sample // SAMPLES_PER_FRAME + 1) * SAMPLES_PER_FRAME)
            due = min(tick, (sample // BLOCK + 1) * BLOCK)
        else:  # in a full house voices leave with the next frames, not in passes of their own
            due = self._frames_at - (EARLY if self._awaits_early else 0)
        wait = max(0.0, self.clock.until(due)) + 0.0002
        if self._more and eager:
            wait = min(wait, max(0.0, self._next_pass - self.now()))
        elif self._backlog:
            wait = 0.0
        timer = loop.call_later(wait, _set, self._wakeup)
        try:
            await self._wakeup
        finally:
            timer.cancel()
            self._wakeup = None
        # What comes while a pass is made is worked on together, in one that the engine finds when it is done.
        while self._passes:
            wait = self._passes[-1].began + SOON * self._usual - self.now() if eager else 0.0
            if wait <= 0 and len(self._passes) < PASSES:
                break
            landed = self._landed = loop.create_future()
            timer = loop.call_later(wait, _set, landed) if wait > 0 else None
            try:
                await landed
            finally:
                self._landed = None
                if timer is not None:
                    timer.cancel()

    @property
    def _backlog(self) -> bool:
        """So many voices have sound for another pass that it need not wait for a tick."""
        return BACKLOG * self._more > self._performers

    def _eager(self, voices: int) -> bool:
        """Whether frames of live voices are made as soon as their sound is here, not at the next tick."""
        return voices <= EAGER_VOICES and not self._crowded

    @property
    def _awaits_early(self) -> bool:
        """The voices of the next tick shall be heard before it, and were not yet."""
        return self._hears_early and self._early is None

    def _voices_due(self, sample: int) -> tuple[list[FrameJob], list[VoiceJob]]:
        """Frames of live voices whose sound is here, and the voice blocks of the next tick."""
        frames: list[FrameJob] = []
        voices: list[VoiceJob] = []
        audiences: dict[str, Audience] = {}
        for session in self.sessions.values():
            performer = session.performer
            if performer is not None and not performer.failed:
                if performer.microphone is not None:
                    frames += performer.frames_due(sample, 1)
                voices += self._blocks_due(session, performer, self._frames_at, audiences)
        return frames, voices

    def _blocks_due(
        self, session: Session, performer: Performer, sample: int, audiences: dict[str, Audience]
    ) -> list[VoiceJob]:
        if not performer.block_due(sample):
            return []
        room = session.room
        audience = audiences.get(room.id)
        if audience is None:
            audience = audiences[room.id] = room.audience()
        return performer.blocks_due(sample, room.wanted(session, audience))

    def _due(self, sample: int, early: _Early | None) -> tuple[list[FrameJob], list[VoiceJob]]:
        """The frames and voice blocks that are due, after those that were heard early."""
        frames: list[FrameJob] = []
        voices: list[VoiceJob] = []
        if early is not None:
            frames += (j for j in early.jobs if not (j.performer.removed or j.performer.failed))
        voiced, self._microphones = self._microphones, 0
        performers = 0
        self._crowded = any(len(room.sessions) > CROWD for room in self.rooms.values())
        eager = self._eager(voiced)
        most, margin = (1, 0) if voiced < PAIRED_VOICES else (2, PAIRED_MARGIN)
        make = sample >= self._frames_at or self._backlog
        self._more = 0
        if make and not eager:
            step = most * SAMPLES_PER_FRAME
            self._frames_at = (sample // step + 1) * step
        audiences: dict[str, Audience] = {}
        for session in self.sessions.values():
            performer = session.performer
            if performer is None or performer.failed:
                continue
            performers += 1
            if performer.microphone is not None:
                self._microphones += 1
                performer.microphone.margin = margin
            late = performer.microphone is None and performer.behind(sample)
            if late:
                self.metrics.late_frames.inc(late)
            if make and not (early is not None and performer.microphone is not None):
                # The second frame of a live voice can wait for the first ones of others; ticks do not wait.
                frames += performer.frames_due(sample, most if performer.microphone else CATCH_UP)
                self._more += performer.sounding(sample, most)
            voices += self._blocks_due(session, performer, sample, audiences)
        self._performers = performers
        self._hears_early = not eager and most == 1 and 0 < FEW * self._microphones <= performers
        return frames, voices

    async def _watch(self) -> None:
        """What need not be done on every tick."""
        limits = self.config.stage
        while True:
            await asyncio.sleep(6 / FRAME_RATE)
            now = self.now()
            if now - self._listed_at > 10:
                self._listed_at = now
                self._spawn(self._relist(), "list of characters")
            for session in list(self.sessions.values()):
                if session.speaker is not None:
                    session.speaker.advance()
                    self.update_driver(session)
                outlet = session.outlet
                if outlet is not None and session.pings and now - session.last_heard > limits.dead_seconds:
                    outlet.close(f"no sign of life for {limits.dead_seconds:g} s")
                    session.detach(outlet)
                if session.lost_at is not None and now - session.lost_at > limits.resume_seconds:
                    self._spawn(self.end(session, "left and did not return"), "end of session")
            for room in self.rooms.values():
                room.choose_voices(now)
                room.tell_changes()

    async def _list_characters(self) -> None:
        def read() -> tuple[dict[str, Character], likeness_pb2.ListCharactersResponse]:
            known: dict[str, Character] = {}
            infos: list[likeness_pb2.CharacterInfo] = []
            stamps = character_stamps()
            for id, stamp in stamps.items():
                try:
                    # Reading takes the interpreter from the frames that are due: once is enough.
                    character = self.characters.get(id) if self._stamps.get(id) == stamp else None
                    known[id] = character = character or load_character(id)
                    infos.append(character_info(character))
                except LikenessError as error:  # one that is broken must not keep the others off the stage
                    known.pop(id, None)
                    if self._listed_at < 0:
                        _log.warning("%s is left out: %s", id, error)
            self._stamps = stamps
            return known, likeness_pb2.ListCharactersResponse(characters=infos)

        self.characters, self._character_list = await asyncio.to_thread(read)
        self._listed_at = self.now()

    async def _relist(self) -> None:
        try:
            await self._list_characters()
        except LikenessError as error:
            _log.warning("the characters could not be read again: %s", error)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s failed", task.get_name(), exc_info=task.exception())


def stream_header(performer: Performer) -> stream_pb2.StreamHeader:
    """A performer's header without what belongs to a session."""
    character = performer.character
    return stream_pb2.StreamHeader(
        character=character.id,
        name=character.name,
        head=character.head,
        components=performer.components,
        scales=performer.scales.tolist(),
        avatar_url=_url(character, character.avatar),
        far_avatar_url=_far_url(character),
        avatar_sha256=character.avatar_sha256,
        sample_rate=SAMPLE_RATE,
        frame_rate=FRAME_RATE,
        controls_only=character.controls_only,
    )


def character_info(character: Character) -> likeness_pb2.CharacterInfo:
    """A character for a list."""
    return likeness_pb2.CharacterInfo(
        id=character.id,
        name=character.name,
        born=character.born,
        died=character.died,
        summary=character.summary,
        avatar_url=_url(character, character.avatar),
        far_avatar_url=_far_url(character),
        portrait_url=f"/avatars/{character.id}/portrait.png",
        rights=character.rights,
        head=character.head,
    )


def _url(character: Character, asset: Path) -> str:
    return f"/avatars/{character.id}/{asset.name}?v={character.sha256(asset)[:16]}"


def _far_url(character: Character) -> str:
    return _url(character, character.far_avatar) if character.far_avatar.is_file() else ""


def host_of(peer: str) -> str:
    """An address without its port, as gRPC and HTTP write them: "ipv4:10.0.0.7:51", "10.0.0.7"."""
    kind, _, rest = peer.partition(":")
    if kind in ("ipv4", "ipv6"):
        return rest.rsplit(":", 1)[0]
    return peer


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
