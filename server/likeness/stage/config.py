"""ServerConfig: how one server runs, read strictly from likeness.toml. Every default is safe as it is."""

import dataclasses
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from likeness.errors import InputError
from likeness.head.places import data_dir
from likeness.head.toml_table import TomlTable, read_toml
from likeness.tracking.inputs import PORTS

SECRET_BYTES = 16
"""A token secret shorter than this is guessable and refused."""


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """PEM files of this server's certificate chain and private key; both or none."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class LimitConfig:
    """What one server carries at most; beyond it people are refused with a reason, never slowed down."""

    sessions: int = 64
    """Sessions at once, the waiting ones included."""
    rooms: int = 64
    seats: int = 32
    """Sessions in one room."""
    animations: int = 8
    """Animate calls at once."""
    hellos_per_second: float = 20.0
    """New sessions a second from one address."""
    text_length: int = 4000
    """Characters in one Say."""
    queued_says: int = 16
    messages_per_second: float = 150.0
    """Control messages and datagrams of one session, averaged over two seconds."""
    message_bytes: int = 65_536
    """One control message or datagram."""
    animate_minutes: float = 130.0
    """Audio in one Animate call."""


@dataclass(frozen=True, slots=True)
class StageConfig:
    """Times of the stage, in seconds unless said otherwise."""

    lead_ms: float = 60.0
    """Frames go out this long before the sound they belong to."""
    resume_seconds: float = 30.0
    """How long a lost session waits for its person."""
    dead_seconds: float = 3.0
    """A client that pings and then is silent for this long counts as lost."""
    slow_seconds: float = 7.0
    """A reader that cannot keep up for this long is cut."""
    default_scene: str = "study"


@dataclass(frozen=True, slots=True)
class ProvenanceConfig:
    """What the ledger keeps beside who, when and how driven."""

    log_text: bool = False
    """Keep what was said in words; otherwise only its SHA-256 and length."""


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN or STUN server that WebRTC clients may use."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class InputsConfig:
    """Phones and trackers that send faces over UDP; none authenticates, so they are off until wanted."""

    enabled: bool = False
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 lets phones in."""
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Addresses and networks that are heard; everything else is dropped."""
    ports: Mapping[str, int] = field(default_factory=lambda: dict(PORTS))
    """UDP port of each kind of sender; 0: any free one."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Everything that can be set. See likeness.example.toml for the same in words."""

    host: str = "127.0.0.1"
    port: int = 8080
    """HTTP; 0: any free one."""
    grpc_port: int = 50051
    """0: any free one; -1: no gRPC."""
    public_url: str = ""
    """What people type, where it differs from host and port (a proxy in front)."""
    data: Path = field(default_factory=data_dir)
    tls: TlsConfig | None = None
    token_secret: str = field(default="", repr=False)
    """HS256 secret of the tokens; empty: no tokens are asked for (loopback only)."""
    allowed_origins: tuple[str, ...] = ()
    """Origins besides our own that may open a WebSocket or signal; e.g. "https://school.example"."""
    turn: tuple[TurnServer, ...] = ()
    voice: str = "espeak"
    takes: tuple[Path, ...] = ()
    """Takes that the page may replay; set by `likeness play`, not by a file."""
    limits: LimitConfig = field(default_factory=LimitConfig)
    stage: StageConfig = field(default_factory=StageConfig)
    provenance: ProvenanceConfig = field(default_factory=ProvenanceConfig)
    inputs: InputsConfig = field(default_factory=InputsConfig)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    def url_at(self, port: int) -> str:
        """The address to open when HTTP listens on `port`."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "localhost" if self.loopback else self.host
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{host}:{port}"


def load_config(
    path: Path | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    grpc_port: int | None = None,
    data: Path | None = None,
) -> ServerConfig:
    """The configuration of a file, with single values replaced; without a file, the defaults.

    $LIKENESS_TOKEN_SECRET stands in for `[security] token_secret`.

    Raises:
        NotFoundError: the file does not exist.
        InputError: an unknown key (names the nearest right one), a value out of range, or a bind
            that others can reach without a token secret.
    """
    config = ServerConfig() if path is None else _read(read_toml(path))
    if host is not None:
        config = dataclasses.replace(config, host=host)
    if port is not None:
        config = dataclasses.replace(config, port=port)
    if grpc_port is not None:
        config = dataclasses.replace(config, grpc_port=grpc_port)
    if data is not None:
        config = dataclasses.replace(config, data=data)
    secret = os.environ.get("LIKENESS_TOKEN_SECRET")
    if secret and not config.token_secret:
        config = dataclasses.replace(config, token_secret=secret)
    check_config(config)
    return config


def check_config(config: ServerConfig) -> None:
    """Refuse what would be unsafe.

    Raises:
        InputError: a bind beyond loopback without a token secret, a short secret, or a missing TLS file.
    """
    if config.token_secret and len(config.token_secret.encode()) < SECRET_BYTES:
        raise InputError(
            f"token_secret has fewer than {SECRET_BYTES} bytes and could be guessed. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    if not config.loopback and not config.token_secret:
        raise InputError(
            f"host = {config.host!r} can be reached from other machines, so a token secret is needed. "
            "Set LIKENESS_TOKEN_SECRET (or [security] token_secret) to a random text of 16 characters "
            "or more, e.g. from: python -c 'import secrets; print(secrets.token_urlsafe(32))'. "
            f"{TLS_ADVICE} To stay on this machine, leave host at 127.0.0.1."
        )
    if config.tls is not None:
        for file in (config.tls.certificate, config.tls.key):
            if not file.is_file():
                raise InputError(f"[tls]: {file} does not exist. {TLS_ADVICE}")


TLS_ADVICE = (
    "For TLS (browsers give camera, microphone and VR only to https or localhost) add "
    '[tls] certificate = "fullchain.pem" and key = "privkey.pem", or put a proxy that has them in front.'
)


def is_loopback(host: str) -> bool:
    """Whether an address names this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(toml: TomlTable) -> ServerConfig:
    server, security, tls = toml.table("server"), toml.table("security"), toml.table("tls")
    limits, stage = toml.table("limits"), toml.table("stage")
    provenance, webrtc = toml.table("provenance"), toml.table("webrtc")
    inputs = toml.table("inputs")
    d = ServerConfig()
    config = ServerConfig(
        host=server.text("host", d.host, 255),
        port=server.integer("port", d.port, 0, 65_535),
        grpc_port=server.integer("grpc_port", d.grpc_port, -1, 65_535),
        public_url=server.text("public_url", "", 500),
        data=Path(server.text("data", str(d.data), 4096)).expanduser(),
        voice=server.text("voice", d.voice, 100),
        token_secret=security.text("token_secret", "", 1000),
        allowed_origins=tuple(security.texts("allowed_origins", [])),
        tls=_tls(tls),
        limits=_limits(limits),
        stage=_stage(stage),
        provenance=ProvenanceConfig(log_text=provenance.flag("log_text", False)),
        turn=_turn(webrtc),
        inputs=_inputs(inputs),
    )
    for table in (server, security, tls, limits, stage, provenance, webrtc, inputs, toml):
        table.finish()
    return config


def _tls(table: TomlTable) -> TlsConfig | None:
    certificate, key = table.text("certificate", "", 4096), table.text("key", "", 4096)
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise InputError("[tls] needs both certificate and key, or neither.")
    return TlsConfig(Path(certificate).expanduser(), Path(key).expanduser())


def _limits(table: TomlTable) -> LimitConfig:
    d = LimitConfig()
    return LimitConfig(
        sessions=table.integer("sessions", d.sessions, 1, 10_000),
        rooms=table.integer("rooms", d.rooms, 1, 10_000),
        seats=table.integer("seats", d.seats, 1, 1000),
        animations=table.integer("animations", d.animations, 1, 1000),
        hellos_per_second=table.number("hellos_per_second", d.hellos_per_second, 0.1, 10_000),
        text_length=table.integer("text_length", d.text_length, 1, 4000),
        queued_says=table.integer("queued_says", d.queued_says, 1, 1000),
        messages_per_second=table.number("messages_per_second", d.messages_per_second, 10, 10_000),
        message_bytes=table.integer("message_bytes", d.message_bytes, 4096, 1 << 20),
        animate_minutes=table.number("animate_minutes", d.animate_minutes, 0.1, 1440),
    )


def _stage(table: TomlTable) -> StageConfig:
    d = StageConfig()
    return StageConfig(
        lead_ms=table.number("lead_ms", d.lead_ms, 20, 500),
        resume_seconds=table.number("resume_seconds", d.resume_seconds, 0, 3600),
        dead_seconds=table.number("dead_seconds", d.dead_seconds, 1, 60),
        slow_seconds=table.number("slow_seconds", d.slow_seconds, 1, 60),
        default_scene=table.text("default_scene", d.default_scene, 40),
    )


def _inputs(table: TomlTable) -> InputsConfig:
    d = InputsConfig()
    return InputsConfig(
        enabled=table.flag("enabled", d.enabled),
        host=table.text("host", d.host, 255),
        allow=tuple(table.texts("allow", list(d.allow))),
        ports={kind: table.integer(kind.replace("-", "_"), port, 0, 65_535) for kind, port in PORTS.items()},
    )


def _turn(table: TomlTable) -> tuple[TurnServer, ...]:
    urls = table.texts("turn", [])
    username, credential = table.text("turn_username", "", 200), table.text("turn_credential", "", 200)
    for url in urls:
        if not url.startswith(("turn:", "turns:", "stun:", "stuns:")):
            raise InputError(f"[webrtc] turn: {url[:80]!r} should start with turn:, turns:, stun: or stuns:.")
    return tuple(TurnServer(url, username, credential) for url in urls)
