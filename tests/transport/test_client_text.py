"""Text that clients write is read strictly, and never raises anything but a LikenessError."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import InputError, LikenessError, LimitError
from likeness.transport.client_text import read_hello, read_message, read_object

LIMIT = 65_536


def test_a_message_is_read_in_proto3_json():
    message = read_message('{"say": {"text": "Hello", "id": 7}}', LIMIT)
    assert message.say.text == "Hello"
    assert message.say.id == 7


def test_fields_of_newer_clients_are_an_error_that_names_them():
    with pytest.raises(InputError, match="volume"):
        read_message('{"say": {"text": "Hello", "volume": 3}}', LIMIT)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "null", "[]", "7", '{"say": 3}', '{"say": {"text": 1}}', '{"motion": 3}', "{" * 5000,
     '{"override": {"controls": {"jawOpen": "wide"}}}', '{"say": {"id": -1}}', '{"say": {"id": 1e99}}',
     "[" * 60_000, '{"a":' * 5000, '{"say": {"text": "\\ud800"}}'],
)  # fmt: skip
def test_what_is_no_message_is_refused_in_words(text: str):
    with pytest.raises(InputError) as caught:
        read_message(text, LIMIT)
    assert len(str(caught.value)) < 400


def test_a_text_of_a_megabyte_is_refused_before_it_is_parsed():
    with pytest.raises(LimitError, match="at most"):
        read_message('{"say": {"text": "' + "a" * 1_000_000 + '"}}', LIMIT)


@settings(max_examples=1500, deadline=None)
@given(st.text(max_size=300))
def test_random_text_is_only_ever_refused(text: str):
    with pytest.raises(LikenessError):
        read_message(text, LIMIT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "say",
                    "stop",
                    "hello",
                    "motion",
                    "override",
                    "controls",
                    "text",
                    "id",
                    "x",
                    "audio",
                    "pcm16",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=1500, deadline=None)
@given(JSON)
def test_random_json_is_a_message_or_refused(value: object):
    import json

    for read in (lambda: read_message(json.dumps(value), LIMIT), lambda: read_hello(value)):
        with contextlib.suppress(LikenessError):
            read()


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=200))
def test_random_bodies_are_objects_or_refused(body: bytes):
    with contextlib.suppress(InputError):
        assert isinstance(read_object(body), dict)
