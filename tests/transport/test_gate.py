"""Hosts, origins and rates are checked before a handler runs."""

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from likeness.errors import DeniedError, LimitError
from likeness.stage.config import ServerConfig
from likeness.stage.rate_limit import PeerLimits
from likeness.transport.gate import Gate


def request(host: str, origin: str | None = None):
    headers = {"Host": host} | ({"Origin": origin} if origin else {})
    return make_mocked_request("POST", "/api/rtc", headers=headers)


def gate(**changes) -> Gate:
    return Gate(ServerConfig(data=Path("unused"), **changes), clock=lambda: 0.0)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.0.0.1"])
def test_a_loopback_server_answers_to_its_own_names(host: str):
    gate().check(request(host))


@pytest.mark.parametrize("host", ["evil.example:8080", "127.0.0.1.evil.example", "[", ""])
def test_a_name_that_was_pointed_at_this_machine_is_refused(host: str):
    with pytest.raises(DeniedError, match="allowed_origins"):
        gate().check(request(host))


def test_a_public_url_is_a_name_too():
    gate(public_url="https://school.example/x").check(request("school.example"))


def test_same_origin_and_no_origin_may_connect():
    gate().check_origin(request("localhost:8080", "http://localhost:8080"))
    gate().check_origin(request("localhost:8080"))


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", "file://"])
def test_other_pages_may_not_connect(origin: str):
    with pytest.raises(DeniedError, match="may not connect"):
        gate().check_origin(request("localhost:8080", origin))


def test_an_allowed_origin_may_connect():
    gate(allowed_origins=("https://School.example/",)).check_origin(
        request("localhost:8080", "https://school.example")
    )


def test_a_flood_is_held_off():
    closed = gate()

    def flood() -> None:
        for _ in range(1000):
            closed.check_origin(request("localhost:8080"))

    with pytest.raises(LimitError, match="Wait"):
        flood()


def test_peers_do_not_share_a_limit_and_are_forgotten():
    now = [0.0]
    limits = PeerLimits(1, 2, lambda: now[0], most=3)
    assert [limits.take("a") for _ in range(3)] == [True, True, False]
    assert limits.take("b")
    now[0] = 1.0
    assert limits.take("a")
    for name in "cdefg":
        limits.take(name)
    assert len(limits._limits) == 3
