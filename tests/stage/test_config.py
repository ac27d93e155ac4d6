"""likeness.toml is read strictly, and nothing unsafe starts by accident."""

from pathlib import Path

import pytest

from likeness.errors import InputError, NotFoundError
from likeness.stage.config import ServerConfig, is_loopback, load_config

SECRET = "0123456789abcdef0123"


@pytest.fixture(autouse=True)
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIKENESS_TOKEN_SECRET", raising=False)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "likeness.toml"
    path.write_text(text)
    return path


def test_without_a_file_only_this_machine_can_connect() -> None:
    config = load_config()
    assert config.loopback
    assert (config.port, config.grpc_port) == (8080, 50051)


def test_the_example_file_is_the_defaults() -> None:
    example = load_config(Path(__file__).parents[2] / "likeness.example.toml")
    assert example == ServerConfig()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[server]\nprot = 1\n", ["prot", "port", "likeness.toml [server]"]),
        ("[sever]\nport = 1\n", ["sever", "server"]),
        ("[limits]\nsession = 3\n", ["session", "sessions"]),
        ("[server]\nport = 99999\n", ["port", "65535"]),
        ("[server]\nport = 'x'\n", ["port", "whole number"]),
        ("[stage]\nlead_ms = true\n", ["lead_ms", "number"]),
        ("[tls]\ncertificate = 'a.pem'\n", ["[tls]", "key"]),
        ("[webrtc]\nturn = ['http://x']\n", ["turn", "stun:"]),
        ("= nonsense", ["not valid TOML"]),
    ],
)
def test_a_wrong_line_is_named_with_the_right_one(tmp_path: Path, text: str, names: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load_config(written(tmp_path, text))
    for name in names:
        assert name in str(caught.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nothing\.toml"):
        load_config(tmp_path / "nothing.toml")


def test_a_bind_that_others_can_reach_needs_a_secret_and_names_tls(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"token secret") as caught:
        load_config(host="0.0.0.0")
    assert "[tls]" in str(caught.value)
    with pytest.raises(InputError, match="guessed"):
        load_config(written(tmp_path, '[server]\nhost="0.0.0.0"\n[security]\ntoken_secret="short"\n'))
    config = load_config(
        written(tmp_path, f'[server]\nhost="0.0.0.0"\n[security]\ntoken_secret="{SECRET}"\n')
    )
    assert not config.loopback


def test_the_secret_may_come_from_the_environment_and_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_TOKEN_SECRET", SECRET)
    config = load_config(host="192.168.1.5")
    assert config.token_secret == SECRET
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("127.9.9.9", True),
        ("0.0.0.0", False),
        ("x", False),
    ],
)
def test_loopback_is_recognised(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_options_replace_what_the_file_says(tmp_path: Path) -> None:
    path = written(tmp_path, "[server]\nport = 9000\ngrpc_port = 9001\n")
    config = load_config(path, port=0, data=tmp_path)
    assert (config.port, config.grpc_port, config.data) == (0, 9001, tmp_path)
    assert config.url_at(1234) == "http://localhost:1234"
