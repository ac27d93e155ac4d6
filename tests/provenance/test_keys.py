import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from likeness.errors import SealError, VerificationError
from likeness.provenance.keys import (
    ServerKey,
    SessionKey,
    fingerprint,
    parse_timestamp,
    timestamp,
    verify_certificate,
    verify_signature,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def test_a_key_is_made_once_and_read_again(tmp_path: Path) -> None:
    first = ServerKey.load_or_create(tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new" / "server.key").stat().st_mode) == 0o600
    assert ServerKey.load_or_create(tmp_path / "new").public_bytes == first.public_bytes
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["server.key"]


def test_many_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: keys.append(ServerKey.load_or_create(tmp_path).public_bytes))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    ServerKey.load_or_create(tmp_path)
    (tmp_path / "server.key").chmod(0o644)
    with pytest.raises(SealError, match="chmod 600"):
        ServerKey.load_or_create(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "server.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SealError, match="not an Ed25519 key"):
        ServerKey.load_or_create(tmp_path)
    assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_fails_closed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SealError, match="nothing may be generated"):
        ServerKey.load_or_create(tmp_path / "file")


def test_a_certificate_holds_for_its_time_and_its_server(tmp_path: Path) -> None:
    server, session = ServerKey.load_or_create(tmp_path), SessionKey.generate()
    certificate = server.certify("S1", session.public_bytes, 2.0, NOW)
    verify_certificate(certificate, server.public_bytes, NOW + timedelta(hours=1))
    verify_certificate(certificate)
    with pytest.raises(VerificationError, match="valid from"):
        verify_certificate(certificate, None, NOW + timedelta(hours=3))
    with pytest.raises(VerificationError, match="another server"):
        verify_certificate(certificate, SessionKey.generate().public_bytes)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("session", "S2"), ("public_key", bytes(32)), ("public_key", b"short"), ("server_key", bytes(32)),
        ("signature", b""), ("signature", bytes(64)), ("not_before", ""),
        ("not_after", "2099-01-01T00:00:00.000Z"),
    ],
)  # fmt: skip
def test_a_changed_certificate_does_not_hold(tmp_path: Path, field: str, value: object) -> None:
    server = ServerKey.load_or_create(tmp_path)
    certificate = server.certify("S1", SessionKey.generate().public_bytes, 2.0, NOW)
    setattr(certificate, field, value)
    with pytest.raises(VerificationError):
        verify_certificate(certificate)


def test_signatures_of_anything_malformed_do_not_hold() -> None:
    key = SessionKey.generate()
    assert verify_signature(key.public_bytes, b"hello", key.sign(b"hello"))
    assert not verify_signature(key.public_bytes, b"hullo", key.sign(b"hello"))
    assert not verify_signature(b"", b"hello", key.sign(b"hello"))
    assert not verify_signature(key.public_bytes, b"hello", b"")


def test_a_pseudonym_is_stable_and_tells_nothing(tmp_path: Path) -> None:
    one, two = ServerKey.load_or_create(tmp_path / "a"), ServerKey.load_or_create(tmp_path / "b")
    assert one.blind("192.0.2.7") == one.blind("192.0.2.7") != one.blind("192.0.2.8")
    assert one.blind("192.0.2.7") != two.blind("192.0.2.7")


def test_times_come_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
    assert timestamp(moment) == "2026-01-02T03:04:05.678Z"
    assert parse_timestamp(timestamp(moment)) == moment
    assert len(fingerprint(bytes(32))) == 19


def test_no_secret_is_shown(tmp_path: Path) -> None:
    key = ServerKey.load_or_create(tmp_path)
    secret = (tmp_path / "server.key").read_text().splitlines()[1]
    assert secret not in repr(key) + repr(SessionKey.generate())
