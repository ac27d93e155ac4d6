"""Verification of a whole ledger, offline: every entry, every tree node, every checkpoint."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from likeness.errors import LikenessError, VerificationError
from likeness.provenance.checkpoint import read_checkpoint
from likeness.provenance.keys import KEY_FILE, ServerKey, fingerprint
from likeness.provenance.ledger import decode_entry, encode_entry, open_read_only
from likeness.provenance.merkle import Frontier, leaf_hash
from likeness.provenance.report import Report

_MOST_PROBLEMS: Final = 20


def verify_ledger(
    path: Path, server_key: bytes | None = None, progress: Callable[[float], None] | None = None
) -> Report:
    """Recompute a ledger from its entries and compare; names each entry that does not fit.

    server_key: the key it must be signed with; without it the server's key beside the ledger, or else the
    one that the ledger names, which proves that the ledger is consistent, not whose it is. Raises
    NotFoundError or InputError when there is no ledger.
    """
    connection = open_read_only(path)
    key = server_key
    if key is None and (path.parent / KEY_FILE).is_file():
        key = ServerKey.load_or_create(path.parent).public_bytes
    try:
        return _verify(connection, key, progress or (lambda _: None))
    except sqlite3.DatabaseError as problem:
        return Report(False, (f"The ledger's file is damaged: {problem}.", "NOT VERIFIED."))
    finally:
        connection.close()


def _verify(
    connection: sqlite3.Connection, server_key: bytes | None, progress: Callable[[float], None]
) -> Report:
    problems: list[str] = []
    connection.execute("BEGIN")  # one unchanging view, even while a server appends
    about = dict(connection.execute("SELECT name, value FROM about").fetchall())
    try:
        named = bytes.fromhex(str(about.get("server_key", "")))
    except ValueError:
        named = b""
    key = server_key or named
    if named != key:
        problems.append("The ledger names another server key than the one it must be signed with.")
    (total,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    notes = connection.execute("SELECT size, note FROM checkpoints ORDER BY size").fetchall()
    at_size = {int(size): str(note) for size, note in notes}
    frontier = Frontier()
    nodes = 0
    last_good = 0
    for position, session, kind, data in connection.execute(
        "SELECT position, session, kind, data FROM entries ORDER BY position"
    ):
        if position != frontier.size:
            problems.append(f"Entry {frontier.size} is missing: the next one is {position}.")
            break
        trouble = _entry_trouble(position, session, kind, data)
        made = frontier.append(leaf_hash(_raw(data)))
        for level, place, digest in made:
            row = connection.execute(
                "SELECT hash FROM nodes WHERE level = ? AND place = ?", (level, place)
            ).fetchone()
            if row is None:
                trouble = trouble or f"Entry {position}: the tree lacks node {level}/{place}."
            elif _raw(row[0]) != digest:
                trouble = trouble or (
                    f"Entry {position} was changed: it is not what the tree holds."
                    if level == 0
                    else f"Entry {position}: tree node {level}/{place} was changed."
                )
            nodes += 1
        if trouble:
            problems.append(trouble)
        note = at_size.get(frontier.size)
        if note is not None:
            problem = _checkpoint_trouble(note, key, frontier)
            if problem:
                problems.append(problem)
            else:
                last_good = frontier.size
        if len(problems) > _MOST_PROBLEMS:
            problems.append("... and more.")
            break
        if position % 512 == 0:
            progress(position / max(total, 1))
    problems += _leftovers(connection, at_size, frontier, nodes, len(problems))
    if frontier.size and last_good != frontier.size and not problems:
        problems.append(f"Entries from {last_good} on have no checkpoint.")
    progress(1.0)
    lines = [
        f"{frontier.size} entries, {len(at_size)} checkpoints, signed by the server key {fingerprint(key)}.",
        *problems,
    ]
    if problems:
        return Report(False, (*lines, "NOT VERIFIED: the ledger was changed or is damaged."))
    return Report(True, (*lines, f"Verified. Root {frontier.root.hex()}."))


def _raw(value: object) -> bytes:
    """A column's bytes, whatever someone put there."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _entry_trouble(position: int, session: object, kind: object, data: object) -> str:
    if not isinstance(data, bytes):
        return f"Entry {position} is not stored as bytes."
    try:
        entry = decode_entry(data)
        if encode_entry(entry) != data:
            return f"Entry {position} is not written as entries are."
    except (ValueError, KeyError, TypeError, RecursionError, LikenessError):
        return f"Entry {position} cannot be read."
    if entry.index != position:
        return f"Entry {position} says that it is entry {entry.index}."
    if (entry.session, entry.kind) != (session, kind):
        return f"Entry {position} is listed under another session or kind than it holds."
    return ""


def _checkpoint_trouble(note: str, key: bytes, frontier: Frontier) -> str:
    try:
        checkpoint = read_checkpoint(note, key)
    except VerificationError as problem:
        return str(problem)
    if (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root):
        return f"The checkpoint of {frontier.size} entries has another root: an entry before it was changed."
    return ""


def _leftovers(
    connection: sqlite3.Connection, at_size: dict[int, str], frontier: Frontier, nodes: int, known: int
) -> list[str]:
    """What should not be there at all."""
    found: list[str] = []
    beyond = [size for size in at_size if size > frontier.size or size < 1]
    if beyond and not known:
        found.append(
            f"Entries are missing at the end: a checkpoint covers {max(beyond)}, {frontier.size} are there."
        )
    (stored,) = connection.execute("SELECT count(*) FROM nodes").fetchone()
    if stored != nodes and not known:
        found.append(f"The tree holds {stored} nodes; the entries make {nodes}.")
    return found
