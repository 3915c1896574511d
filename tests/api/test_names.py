"""Names of models mean what they mean to Ollama; aliases are for names that mean nothing to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.names import canonical, match, parse_aliases

FULL = "registry.ollama.ai/library/smollm2:latest"
PARTS = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    "name",
    [
        "smollm2",
        "SmolLM2:LATEST",
        "library/smollm2",
        "Library/SmolLM2:latest",
        "registry.ollama.ai/library/smollm2",
        "https://registry.ollama.ai/library/smollm2:latest",
    ],
)
def test_all_spellings_of_a_model_have_one_canonical_name(name: str) -> None:
    assert canonical(name) == FULL


@pytest.mark.parametrize(
    "name",
    [
        "",
        "smollm2:",
        "/smollm2",
        "//smollm2",
        "smollm2:135m",
        "me/smollm2",
        "hf.co/library/smollm2",
        "hf.co:5000/library/smollm2",
        "smollm2/",
        "library/smollm2/latest",
        "smollm2:latest:latest",
    ],
)
def test_other_names_and_incomplete_ones_are_other_models(name: str) -> None:
    assert canonical(name) != FULL


@given(model=PARTS, tag=PARTS, namespace=PARTS, host=PARTS)
def test_a_canonical_name_is_its_own(model: str, tag: str, namespace: str, host: str) -> None:
    for name in (model, f"{model}:{tag}", f"{namespace}/{model}", f"{host}/{namespace}/{model}:{tag}"):
        assert canonical(canonical(name)) == canonical(name) == canonical(name.swapcase())


ALIASES = parse_aliases("gpt-4o=a:1, gpt-*=b ,gpt-4*=c,*=d")


@pytest.mark.parametrize(
    ("name", "model"),
    [("gpt-4o", "a:1"), ("gpt-4o-mini", "c"), ("gpt-4", "c"), ("gpt-3", "b"), ("GPT-4o", "d"), ("x", "d")],
)
def test_an_exact_alias_wins_and_then_the_longest_beginning(name: str, model: str) -> None:
    assert match(name, ALIASES) == model


def test_a_name_that_fits_no_alias_has_no_model() -> None:
    assert match("x", parse_aliases("y*=a, xy=b")) is None
