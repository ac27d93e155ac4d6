"""What a browser writes as text: JSON requests and proto3 JSON client messages, read strictly."""

import json
from typing import Any, Final, cast

from google.protobuf.json_format import Parse, ParseDict, ParseError

from likeness.errors import InputError, LimitError
from likeness.v1 import room_pb2

DEPTH: Final = 12
"""Levels of nesting that a message may have; the deepest real one has 4."""


def read_message(text: str, limit: int) -> room_pb2.ClientMessage:
    """A ClientMessage from proto3 JSON text of at most `limit` characters.

    Raises:
        LimitError: the text is longer.
        InputError: it is not JSON, not a ClientMessage, or empty.
    """
    if len(text) > limit:
        raise LimitError(
            f"The message has {len(text):,} characters; {limit:,} at most. Send a long text in several parts."
        )
    message = room_pb2.ClientMessage()
    try:
        Parse(text, message, max_recursion_depth=DEPTH)
    except (ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"The message is not a ClientMessage in proto3 JSON: {_short(error)}. See docs/protocol.md."
        ) from None
    if message.WhichOneof("body") is None:
        raise InputError('The message is empty; expected one body, such as {"say": {"text": "Hello"}}.')
    return message


def read_hello(value: object) -> room_pb2.Hello:
    """A Hello from decoded JSON; raises InputError."""
    hello = room_pb2.Hello()
    if not isinstance(value, dict):
        raise InputError('"hello" must be an object, such as {"character": "einstein"}.')
    try:
        ParseDict(cast("dict[str, Any]", value), hello, max_recursion_depth=DEPTH)
    except (ParseError, RecursionError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f'"hello" is not a Hello in proto3 JSON: {_short(error)}. See docs/protocol.md.'
        ) from None
    return hello


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object; raises InputError."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("The body is not JSON in UTF-8.") from None
    if not isinstance(value, dict):
        raise InputError("The body must be a JSON object.")
    return cast("dict[str, Any]", value)


def _short(error: Exception) -> str:
    # Quotes at most a line of what was sent: no page of somebody's bytes in an answer or a log.
    line = " ".join(str(error).split())
    return line[:157] + "..." if len(line) > 160 else line
