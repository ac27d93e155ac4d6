"""Build hook: compiles the protos into the package; requires a built web client in a wheel."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class LikenessBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every wheel, editable ones too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        subprocess.run([sys.executable, str(root / "tools" / "protos.py")], check=True)
        if version == "editable" or self.target_name != "wheel":
            return
        if not (root / "server/likeness/web/index.html").exists():
            raise RuntimeError(
                "The web client is not built, so the wheel would have no page: run `make web` first."
            )
