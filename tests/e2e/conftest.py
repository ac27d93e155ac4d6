"""A real server in its own process, and scenarios in a real, headless Chromium."""

import os
from collections.abc import Iterator

import pytest

from likeness.cli.bench.browser import ServedProcess, missing_for_browser, start_server


@pytest.fixture(autouse=True, scope="session")
def _needs_browser(request: pytest.FixtureRequest) -> None:
    reason = missing_for_browser()
    if reason and any(item.get_closest_marker("browser") for item in request.session.items):
        if os.environ.get("LIKENESS_REQUIRE_BROWSER") == "1":
            pytest.fail(f"browser tests are required here: {reason}")
        pytest.skip(f"browser tests left out: {reason}")


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedProcess]:
    """One server for all scenarios of a file, with the file's SERVER in its likeness.toml; at its end its log
    must hold no traceback."""
    settings = str(getattr(request.module, "SERVER", ""))
    running = start_server(tmp_path_factory.mktemp("server"), settings=settings)
    yield running
    code = running.stop()
    assert "Traceback" not in running.log, running.log[-4000:]
    assert code == 0, f"exit code {code}:\n{running.log[-2000:]}"
