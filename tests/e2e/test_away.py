"""Whoever stays away for longer than their session waits comes back to another, and is told so."""

import pytest

from likeness.cli.bench.browser import a_server, visit

pytestmark = pytest.mark.browser


def test_a_session_that_did_not_wait_is_followed_by_a_new_one():
    with a_server("[stage]\nresume_seconds = 1.0\n") as server:
        result = visit("away", server, seconds=5, viewport={"width": 480, "height": 300})
        assert "Traceback" not in server.log
    before, after = result["before"], result["after"]
    assert after["state"] == "live"
    assert after["session"] != before["session"]
    assert after["mark"]["visible"]
    assert "This is a new one" in result["words"]
    assert not result["problems"]
