"""Write a .meta file beside every file and folder of the Unity package that lacks one.

Unity identifies assets by the GUID in these files; each is derived from the path inside the package, so it
is the same on every machine. Existing files are left alone. With --check nothing is written, and a missing
or orphaned .meta is an error.
"""

import argparse
import hashlib
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "unity_client"

_MONO = """MonoImporter:
  externalObjects: {}
  serializedVersion: 2
  defaultReferences: []
  executionOrder: 0
  icon: {instanceID: 0}
"""
_IMPORTERS = {
    ".cs": _MONO,
    ".asmdef": "AssemblyDefinitionImporter:\n  externalObjects: {}\n",
    ".md": "TextScriptImporter:\n  externalObjects: {}\n",
    ".json": "PackageManifestImporter:\n  externalObjects: {}\n",
    ".xml": "TextScriptImporter:\n  externalObjects: {}\n",
}
_DEFAULT = "DefaultImporter:\n  externalObjects: {}\n"


def guid(path: Path) -> str:
    """The GUID of a path inside the package: 32 hex digits."""
    return hashlib.md5(f"com.likeness.client/{path.relative_to(PACKAGE).as_posix()}".encode()).hexdigest()


def meta_text(path: Path) -> str:
    """What stands in the .meta file of a file or folder."""
    folder = "folderAsset: yes\n" if path.is_dir() else ""
    importer = _DEFAULT if path.is_dir() else _IMPORTERS.get(path.suffix, _DEFAULT)
    ending = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
    return f"fileFormatVersion: 2\nguid: {guid(path)}\n{folder}{importer}{ending}"


def assets() -> list[Path]:
    """Everything that Unity imports: not in Documentation~; the samples' files, but not Samples~ itself."""
    found: list[Path] = []
    for path in sorted(PACKAGE.rglob("*")):
        inside = path.relative_to(PACKAGE)
        if path.suffix == ".meta" or inside.parts[0] == "Documentation~" or inside.as_posix() == "Samples~":
            continue
        found.append(path)
    return found


def main() -> int:
    """Write or check; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only report what is missing or orphaned")
    check = parser.parse_args().check
    wanted = {path.with_name(path.name + ".meta"): path for path in assets()}
    missing = [m for m in wanted if not m.exists()]
    orphans = [m for m in PACKAGE.rglob("*.meta") if m not in wanted]
    if check:
        for meta in [*missing, *orphans]:
            print(f"{meta.relative_to(PACKAGE)}: {'missing' if meta in missing else 'belongs to nothing'}")
        return int(bool(missing or orphans))
    for meta in missing:
        meta.write_text(meta_text(wanted[meta]))
    for meta in orphans:
        meta.unlink()
    print(f"{len(missing)} written, {len(orphans)} removed, {len(wanted)} in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
