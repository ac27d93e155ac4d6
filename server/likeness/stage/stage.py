"""Stage: all rooms on one clock; one pass makes every frame and voice block that is due."""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from likeness.errors import DeniedError, InputError, LikenessError, LimitError, MachineError, SealError
from likeness.head import Character, Head, list_characters, load_character, load_head
from likeness.head.frame import FRAME_RATE, SAMPLE_RATE, SAMPLES_PER_FRAME, Float32
from likeness.performance.client_packets import ControlsIn, Pose
from likeness.performance.packet import split_datagrams
from likeness.speech import Voice
from likeness.stage.clock import StageClock
from likeness.stage.config import ServerConfig
from likeness.stage.engine import Engine, Made
from likeness.stage.grant import OPEN_GRANT, Action, Grant, read_token
from likeness.stage.metrics import StageMetrics
from likeness.stage.microphone import Microphone
from likeness.stage.outlet import BLOCK, ControlText
from likeness.stage.performer import FrameJob, Performer, VoiceJob, Wanted
from likeness.stage.rate_limit import RateLimit
from likeness.stage.record import Archive
from likeness.stage.room import SCENES, Room, check_room_id, new_room_id
from likeness.stage.session import Session
from likeness.stage.speaker import Speaker, Utterance
from likeness.v1 import likeness_pb2, room_pb2, stream_pb2
from likeness.v1.room_pb2 import Notice, ServerMessage, SpeechState

_log = logging.getLogger(__name__)
T = TypeVar("T")

GAP: Final = 0.004
"""Seconds between passes at least: sound that arrives together is worked on together."""
STALL: Final = SAMPLE_RATE // 4
"""A pass that comes this much too late stops the media clock instead of hurrying after it."""
IDLE_AFTER: Final = 1.0
"""Seconds without any driver before the mark says so."""
MAX_NAME: Final = 60
"""Characters of a person's name."""
STREAK: Final = 120
"""Passes that may fail in a row before the stage is no longer ready."""


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
        engine: Engine,
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
        self._engine = engine
        self._lead = max(1, round(config.stage.lead_ms / 20)) * BLOCK
        self._heads: dict[str, Head] = {}
        self._character_list = likeness_pb2.ListCharactersResponse()
        self._listed_at = -1e9
        self._resume: dict[str, Session] = {}
        self._opening = 0
        self._hellos: dict[str, RateLimit] = {}
        self._commands: list[Callable[[], None]] = []
        self._tracked: dict[Performer, float] = {}
        self._driven: dict[Performer, float] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="likeness-engine")
        self._tasks: set[asyncio.Task[None]] = set()
        self._wakeup: asyncio.Future[None] | None = None
        self._next_pass = 0.0
        self._streak = 0
        self._stopping = False

    # --- life ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the voice and the loop. Raises MachineError when the machine lacks something."""
        await asyncio.gather(self.voice.start(), self._list_characters())
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
        self._thread.shutdown()

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
            if self._stopping:
                raise MachineError("the server is stopping; try again in a moment.")
            if not self._hello_limit(peer).take():
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
        if session.speaker is not None:
            await session.speaker.close()
        if performer is not None:
            await self._between(lambda: self._release(performer))
            try:
                seal = session.record.flush()
                if seal is not None and not performer.failed:
                    room.tell(ServerMessage(seal=seal))
            except LikenessError:
                _log.exception("the last seal of session %s failed", session.id)
            room.tell(ServerMessage(left=room_pb2.Left(avatar=performer.avatar, reason=reason)), session)
        room.sessions.pop(session.id, None)
        if not room.sessions:
            self.rooms.pop(room.id, None)
        self.metrics.sessions.set(len(self.sessions))
        self.metrics.rooms.set(len(self.rooms))
        outlet, session.outlet = session.outlet, None
        if outlet is not None:
            outlet.close(reason)
        try:
            await session.record.close(reason)
        except LikenessError:
            _log.exception("the end of session %s could not be logged", session.id)

    async def fail(self, session: Session, text: str) -> None:
        """Fail closed: this session's stream stops, others go on."""
        self.metrics.provenance_failures.inc()
        session.notice(Notice.ERROR, SealError.code, text, fatal=True)
        await self.end(session, text)

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

    async def cast(self, id: str) -> tuple[Character, Head]:
        """A character and its head, loaded once. Raises NotFoundError, InputError."""
        character = await asyncio.to_thread(load_character, id)
        head = self._heads.get(character.head)
        if head is None:
            head = self._heads[character.head] = await asyncio.to_thread(load_head, character.head)
        return character, head

    def grant(self, token: str) -> Grant:
        """What a token allows here. Raises DeniedError."""
        return read_token(token, self.config.token_secret) if self.config.token_secret else OPEN_GRANT

    # --- what sessions ask for -------------------------------------------------------------------------

    def wake(self) -> None:
        """There is live sound: make its frames now rather than at the next tick."""
        future = self._wakeup
        if future is None or future.done():
            return
        wait = self._next_pass - self.now()
        if wait <= 0:
            future.set_result(None)
        else:
            asyncio.get_running_loop().call_later(wait, _set, future)

    def post(self, command: Callable[[], None]) -> None:
        """Run a function before the next pass, when no thread uses the performers."""
        self._commands.append(command)

    def open_microphone(self, performer: Performer) -> None:
        """Give a performer a live voice."""
        ahead = self._engine.lipsync.look_ahead
        performer.microphone = Microphone(performer.next_frame, ahead, self._lead - BLOCK)
        self.post(lambda: self._engine.listen(performer))

    def close_microphone(self, performer: Performer) -> None:
        """Take the live voice away once it has been heard to its end."""
        self._spawn(self._close_microphone(performer, performer.microphone), "microphone end")

    def set_epoch(self, performer: Performer, epoch: int) -> None:
        """Frames from now on carry this epoch."""
        performer.epoch = epoch
        self.post(lambda: self._engine.troupe.set_epoch(performer.row, epoch))

    def set_listener(self, performer: Performer, position: Float32) -> None:
        """Where the person is whom the performer looks at, [3] m."""
        self.post(lambda: self._engine.troupe.set_listener(performer.row, position))

    def set_override(
        self, performer: Performer, controls: Float32 | None, expression: Float32 | None
    ) -> None:
        """A manual layer: [52] with nan where the control is free, psi [<= E]."""
        self.post(lambda: self._engine.troupe.set_override(performer.row, controls, expression))

    def set_pose(self, performer: Performer, pose: Pose) -> None:
        """The person's head and hands."""
        rotation, hands = pose.head_rotation(), pose.hands_from_head()
        self._tracked[performer] = self.now()
        self.post(lambda: self._engine.troupe.set_pose(performer.row, rotation, pose.position, hands))

    def set_tracked(self, performer: Performer, controls: ControlsIn) -> None:
        """The person's own face."""
        self._tracked[performer] = self.now()
        face, head = controls.controls, controls.head
        self.post(lambda: self._engine.troupe.set_tracked(performer.row, face, None, head))

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
        elif now - self._tracked.get(performer, -1e9) < IDLE_AFTER:
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
        self.post(lambda: self._engine.troupe.set_driver(performer.row, driver))
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
        header.tag.CopyFrom(session.record.tag(performer.driver))
        header.certificate.CopyFrom(session.record.certificate)
        return header

    # --- opening ---------------------------------------------------------------------------------------

    def _hello_limit(self, peer: str) -> RateLimit:
        host = peer.rsplit(":", 1)[0]
        if host not in self._hellos:
            if len(self._hellos) >= 1000:
                self._hellos.pop(next(iter(self._hellos)))
            rate = self.config.limits.hellos_per_second
            self._hellos[host] = RateLimit(rate, max(2 * rate, 2), self.now)
        return self._hellos[host]

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
        wanted = hello.room or grant.room
        if grant.room and wanted != grant.room:
            raise DeniedError(f"the token is for the room {grant.room!r} only.")
        room_id = check_room_id(wanted) if wanted else new_room_id()
        limits, room = self.config.limits, self.rooms.get(room_id)
        if len(self.sessions) + self._opening >= limits.sessions:
            raise LimitError(f"the server is full ({limits.sessions} sessions); try again later.")
        if room is None and len(self.rooms) >= limits.rooms:
            raise LimitError(
                f"the server has {limits.rooms} rooms already; join one of them or try again later."
            )
        if room is not None and len(room.sessions) >= limits.seats:
            raise LimitError(f"the room {room_id!r} is full ({limits.seats} seats).")
        if hello.character:
            grant.require(Action.EMBODY)
        self._opening += 1
        try:
            return await self._open(hello, peer, grant, room_id, scene)
        finally:
            self._opening -= 1

    async def _open(
        self, hello: room_pb2.Hello, peer: str, grant: Grant, room_id: str, scene: str
    ) -> tuple[Session, room_pb2.Welcome]:
        cast = await self.cast(hello.character) if hello.character else None
        name = grant.name or "".join(c for c in hello.name if c.isprintable())[:MAX_NAME].strip()
        record = await self.archive.open(
            character=cast[0] if cast else None,
            room=room_id,
            scene=scene,
            role=grant.role,
            peer=peer,
            driver=stream_pb2.DRIVER_IDLE,
        )
        room = self.rooms.get(room_id)
        if room is None:
            room = self.rooms[room_id] = Room(room_id, scene)
        performer = None
        if cast is not None:
            performer = await self.add_performer(*cast, avatar=room.next_avatar())
            performer.session, performer.record = record.session, record
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
            record=record,
            stage=self,
        )
        record.on_failure = lambda text: self._spawn(self.fail(session, text), "fail closed")
        self.rooms.setdefault(room_id, room)
        room.sessions[session.id] = session
        self.sessions[session.id] = session
        self._resume[session.resume_token] = session
        self.metrics.opened.inc()
        self.metrics.sessions.set(len(self.sessions))
        self.metrics.rooms.set(len(self.rooms))
        if performer is not None:
            room.tell(ServerMessage(header=self.header(session, None)), session)
        return session, self._welcome(session, resumed=False)

    async def add_performer(self, character: Character, head: Head, avatar: int) -> Performer:
        """A performer on the stage's clock, idle."""
        engine, seed = self._engine, secrets.randbits(32)
        return await self._between(
            lambda: engine.add(character, head, seed, avatar=avatar, lead=self._lead, tick=self.clock.tick())
        )

    def _release(self, performer: Performer) -> None:
        self._engine.remove(performer)
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

        waiting = self.config.limits.queued_says
        return Speaker(performer, self.voice, performer.character.voice, waiting, self.post, tell)

    async def _close_microphone(self, performer: Performer, mic: Microphone | None) -> None:
        if mic is None:
            return
        while not mic.silent and performer.microphone is mic:
            await asyncio.sleep(0.05)
        await asyncio.sleep((self._lead + self._engine.lipsync.look_ahead) / SAMPLE_RATE)

        def close() -> None:
            if performer.microphone is mic:
                performer.microphone = None
                self._engine.deafen(performer)

        self.post(close)

    # --- the loop --------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        last = self.clock.sample()
        while True:
            await self._rest()
            for command in self._take_commands():
                try:
                    command()
                except Exception:
                    _log.exception("a command of the stage failed")
            sample = self.clock.sample()
            if sample - last > STALL:
                lost = (sample - last) // SAMPLES_PER_FRAME - 1
                self.clock.slip(lost)
                self.metrics.slipped.inc(lost)
                sample = self.clock.sample()
            last = sample
            frames, voices = self._due(sample)
            if not frames and not voices:
                continue
            started = self.now()
            try:
                made = await loop.run_in_executor(self._thread, self._engine.run, frames, voices)
                self._deliver(made)
                self._streak, self.ready = 0, not self._stopping
            except Exception:  # one bad pass must not end everybody's session
                _log.exception("a pass of the stage failed")
                self.metrics.failed_passes.inc()
                self._streak += 1
                self.ready = self._streak < STREAK
            ended = self.now()
            self.metrics.pass_seconds.observe(ended - started)
            # Under load passes come less often and carry more: half of the time belongs to the others.
            self._next_pass = ended + max(GAP, ended - started)

    def _take_commands(self) -> list[Callable[[], None]]:
        commands, self._commands = self._commands, []
        return commands

    async def _rest(self) -> None:
        """Wait for the next tick or voice block, or for live sound."""
        loop = asyncio.get_running_loop()
        sample = self.clock.sample()
        tick = (sample // SAMPLES_PER_FRAME + 1) * SAMPLES_PER_FRAME
        block = (sample // BLOCK + 1) * BLOCK
        self._wakeup = loop.create_future()
        timer = loop.call_later(max(0.0, self.clock.until(min(tick, block))) + 0.0002, _set, self._wakeup)
        try:
            await self._wakeup
        finally:
            timer.cancel()
            self._wakeup = None

    def _due(self, sample: int) -> tuple[list[FrameJob], list[VoiceJob]]:
        frames: list[FrameJob] = []
        voices: list[VoiceJob] = []
        for session in self.sessions.values():
            performer = session.performer
            if performer is None or performer.failed or performer.prosody_slot is None:
                continue
            late = performer.microphone is None and performer.behind(sample)
            if late:
                self.metrics.late_frames.inc(late)
            frames += performer.frames_due(sample)
            voices += performer.blocks_due(sample, _wanted(session))
        return frames, voices

    def _deliver(self, made: Made) -> None:
        packets: dict[str, list[bytes]] = {}
        for frame in made.frames:
            session = self.sessions.get(frame.performer.session)
            if session is None:
                continue
            packets.setdefault(session.room.id, []).append(frame.packet)
            if frame.seal is not None:
                session.room.tell(ServerMessage(seal=frame.seal))
                self.metrics.seals.inc()
        for room_id, of_room in packets.items():
            room = self.rooms.get(room_id)
            if room is not None:
                room.send_motion(split_datagrams(of_room))
        for voice in made.voices:
            session = self.sessions.get(voice.performer.session)
            if session is not None:
                session.room.send_voice(session, voice.everyone, voice.own)
        self.metrics.frames.inc(len(made.frames))
        self.metrics.voice_blocks.inc(len(made.voices))
        for performer, text in made.failures.items():
            session = self.sessions.get(performer.session)
            if session is not None:
                self._spawn(self.fail(session, text), "fail closed")

    async def _watch(self) -> None:
        """What need not be done on every tick."""
        limits = self.config.stage
        while True:
            await asyncio.sleep(6 / FRAME_RATE)
            now = self.now()
            if now - self._listed_at > 10:
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

    async def _list_characters(self) -> None:
        def read() -> tuple[dict[str, Character], likeness_pb2.ListCharactersResponse]:
            known = {c.id: c for c in list_characters()}
            infos = [character_info(c) for c in known.values()]
            return known, likeness_pb2.ListCharactersResponse(characters=infos)

        self._listed_at = self.now()
        self.characters, self._character_list = await asyncio.to_thread(read)

    async def _relist(self) -> None:
        try:
            await self._list_characters()
        except LikenessError as error:
            _log.warning("the characters could not be read again: %s", error)

    async def _between(self, command: Callable[[], T]) -> T:
        """Run a function between two passes and wait for what it returns."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def run() -> None:
            if not future.cancelled():
                try:
                    future.set_result(command())
                except Exception as error:
                    future.set_exception(error)

        self.post(run)
        self.wake()
        return await future

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
    version = character.avatar_sha256
    return stream_pb2.StreamHeader(
        character=character.id,
        name=character.name,
        head=character.head,
        components=performer.components,
        scales=performer.scales.tolist(),
        avatar_url=f"/avatars/{character.id}/avatar.glb?v={version[:16]}",
        avatar_sha256=version,
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
        avatar_url=f"/avatars/{character.id}/avatar.glb?v={character.avatar_sha256[:16]}",
        portrait_url=f"/avatars/{character.id}/portrait.png",
        rights=character.rights,
        head=character.head,
    )


def _wanted(session: Session) -> Wanted:
    """Who hears a session's performer, and in which form."""
    everyone = opus = False
    for other in session.room.sessions.values():
        if (other is not session or session.hear_self) and other.hears():
            everyone = True
            opus = opus or bool(other.outlet and other.outlet.want_opus)
    own = session.hears() and not session.hear_self
    return Wanted(everyone, opus, own, own and bool(session.outlet and session.outlet.want_opus))


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
