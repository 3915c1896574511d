"""Stop strings end an answer however it is split into tokens."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from llm_runtime.engines.stops import StopFilter

LETTERS = st.text(alphabet="ab🙂", max_size=40)
STOPS = st.lists(st.text(alphabet="ab🙂", min_size=1, max_size=4), max_size=3)


def answer(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    sent = ""
    filtered = StopFilter(stops)
    for piece in pieces:
        sent += filtered.feed(piece)
        if filtered.stopped:
            return sent, True
    return sent + filtered.rest(), False


def test_a_stop_string_that_spans_three_tokens_is_found() -> None:
    assert answer(["one #", "#", "# two"], ["###"]) == ("one ", True)


def test_text_that_only_begins_like_a_stop_string_is_sent_after_all() -> None:
    assert answer(["one #", "#", " two"], ["###"]) == ("one ## two", False)


def test_text_that_may_become_a_stop_string_is_held_back() -> None:
    filtered = StopFilter(["END"])
    assert [filtered.feed(piece) for piece in ("the E", "N", "Emy")] == ["the ", "", "ENEmy"]


def test_an_empty_stop_string_has_no_effect() -> None:
    assert answer(["a", "b"], [""]) == ("ab", False)


@given(text=LETTERS, stops=STOPS, cuts=st.lists(st.integers(0, 40), max_size=12))
def test_the_split_into_tokens_makes_no_difference(text: str, stops: list[str], cuts: list[int]) -> None:
    offsets = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(offsets)]
    sent, stopped = answer(pieces, stops)
    assert stopped is any(stop in text for stop in stops)
    if stopped:
        assert text.startswith(sent)
        assert any(text.startswith(stop, len(sent)) for stop in stops)
        assert not any(stop in sent for stop in stops)
    else:
        assert sent == text
