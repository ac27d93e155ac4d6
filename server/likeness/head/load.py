"""load_head: a head by name or path, with its rig."""

from dataclasses import dataclass

from likeness.head.head_file import head_path, installed_heads, read_head_arrays
from likeness.head.model import HeadModel
from likeness.head.rig import Rig


@dataclass(frozen=True, slots=True)
class Head:
    """A head that controls can move."""

    name: str
    model: HeadModel
    rig: Rig
    licence: str


def load_head(name_or_path: str) -> Head:
    """Load "open", an imported head by its name, or a head file by its path.

    Raises:
        NotFoundError: there is no such head; names those there are.
        InputError: the file is not a head, or it has no rig yet.
    """
    path = head_path(name_or_path)
    arrays = read_head_arrays(path)
    model = HeadModel.from_arrays(arrays, str(path), path.stem)
    rig = Rig.from_arrays(arrays, model.expression_count, str(path))
    return Head(model.name, model, rig, model.licence)


def list_heads() -> list[str]:
    """Names of the heads that are installed: the one that comes with Likeness and the imported ones."""
    return list(installed_heads())
