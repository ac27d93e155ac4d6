"""TomlTable: a TOML file's table, read strictly: a wrong key is an error that names the right one."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from likeness.errors import InputError, NotFoundError

MAX_TOML_BYTES = 1 << 20


class TomlTable:
    """A table whose keys are asked for one by one; `finish` refuses any that nobody asked for.

    Args:
        values: the parsed table.
        where: how messages name the place, e.g. "character.toml [voice]".
    """

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self._values = values
        self._where = where
        self._known: list[str] = []

    @property
    def keys(self) -> list[str]:
        """The keys that the file holds."""
        return list(self._values)

    def text(self, key: str, default: str | None = None, limit: int = 20_000) -> str:
        """A string of at most `limit` characters; without a default the key is required."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text in quotes")
        if len(value) > limit:
            raise InputError(f"{self._where}: {key} has {len(value)} characters; the limit is {limit}.")
        return value

    def number(self, key: str, default: float | None = None, low: float = -1e9, high: float = 1e9) -> float:
        """A number within [low, high]."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._wrong(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def integer(
        self, key: str, default: int | None = None, low: int = -(1 << 53), high: int = 1 << 53
    ) -> int:
        """A whole number within [low, high]."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def texts(self, key: str, default: list[str] | None = None) -> list[str]:
        """A list of strings."""
        value = self._get(key, default)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in cast("list[object]", value)):
            raise self._wrong(key, value, "a list of texts")
        return cast("list[str]", value)

    def table(self, key: str) -> "TomlTable":
        """The table [key]; empty if the file has none."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, value, f"a table, written [{key}]")
        return TomlTable(cast("dict[str, object]", value), f"{self._where} [{key}]")

    def finish(self) -> None:
        """Raises:
        InputError: the file holds a key that was never asked for; names the nearest right one.
        """
        for key in self._values:
            if key not in self._known:
                raise InputError(unknown_key(self._where, key, self._known))

    def _get(self, key: str, default: object) -> object:
        self._known.append(key)
        value = self._values.get(key, default)
        if value is None:
            raise InputError(f"{self._where}: {key} is missing. Add a line {key} = ...")
        return value

    def _wrong(self, key: str, value: object, wanted: str) -> InputError:
        return InputError(f"{self._where}: {key} = {str(value)[:60]!r} should be {wanted}.")


def unknown_key(where: str, key: str, known: list[str]) -> str:
    """The sentence for a key that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(key, known, 1, 0.5)
    advice = (
        f"did you mean {near[0]}?"
        if near
        else f"it can hold {', '.join(known)}."
        if known
        else "it holds nothing."
    )
    return f"{where}: unknown key {key[:80]!r}; {advice}"


def read_toml(path: Path) -> TomlTable:
    """Read a TOML file.

    Raises:
        NotFoundError: there is no such file.
        InputError: it is not TOML, not UTF-8, or larger than 1 MiB.
    """
    try:
        if path.stat().st_size > MAX_TOML_BYTES:
            raise InputError(f"{path}: larger than 1 MiB; this is not one of our TOML files.")
        return TomlTable(tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
