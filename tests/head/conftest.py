from pathlib import Path

import pytest

from tests.head.synthetic import own_head


@pytest.fixture(scope="session")
def egg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small head file with all of our keys."""
    return own_head(tmp_path_factory.mktemp("heads") / "egg.npz")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own avatars folder and an own data folder, both empty."""
    for name in ("LIKENESS_AVATARS", "LIKENESS_DATA"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "LIKENESS_AVATARS" / "heads").mkdir()
    (tmp_path / "LIKENESS_AVATARS" / "characters").mkdir()
    return tmp_path / "LIKENESS_AVATARS"
