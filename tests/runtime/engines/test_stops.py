"""Stop strings end an answer wherever the borders between its tokens fall."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from llm_runtime.engines.stops import StopFilter

LETTERS = st.text(alphabet="ab🙂", max_size=40)
STOPS = st.lists(st.text(alphabet="ab🙂", min_size=1, max_size=4), max_size=3)


def answer(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    said = ""
    filtered = StopFilter(stops)
    for piece in pieces:
        said += filtered.feed(piece)
        if filtered.stopped:
            return said, True
    return said + filtered.rest(), False


def test_a_stop_string_over_three_tokens_is_found() -> None:
    assert answer(["one #", "#", "# two"], ["###"]) == ("one ", True)


def test_text_that_only_begins_like_a_stop_string_is_said_after_all() -> None:
    assert answer(["one #", "#", " two"], ["###"]) == ("one ## two", False)


def test_what_may_become_a_stop_string_is_held_back() -> None:
    filtered = StopFilter(["END"])
    assert [filtered.feed(piece) for piece in ("the E", "N", "Emy")] == ["the ", "", "ENEmy"]


def test_an_empty_stop_string_means_nothing() -> None:
    assert answer(["a", "b"], [""]) == ("ab", False)


@given(text=LETTERS, stops=STOPS, cuts=st.lists(st.integers(0, 40), max_size=12))
def test_the_borders_between_tokens_make_no_difference(text: str, stops: list[str], cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    said, stopped = answer(pieces, stops)
    assert stopped is any(stop in text for stop in stops)
    if stopped:
        assert text.startswith(said)
        assert any(text.startswith(stop, len(said)) for stop in stops)
        assert not any(stop in said for stop in stops)
    else:
        assert said == text
