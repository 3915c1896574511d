"""Whatever a runtime may answer: lines of Ollama's chat."""

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=()), max_size=10)
ARGUMENTS = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers() | TEXTS, max_size=2)
CALLS = st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({"name": TEXTS, "arguments": ARGUMENTS})},
    optional={"id": st.text(max_size=10)},
)
LOGPROB = {"token": "x", "logprob": -1.0, "top_logprobs": [{"token": "y", "logprob": -2.0}]}
LINES = st.fixed_dictionaries(
    {
        "message": st.fixed_dictionaries(
            {"content": TEXTS}, optional={"thinking": TEXTS, "tool_calls": st.lists(CALLS, max_size=2)}
        )
    },
    optional={"logprobs": st.just([LOGPROB])},
)
