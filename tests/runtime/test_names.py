"""Model names as Ollama reads them."""

from llm_runtime.names import is_name, same_model


def test_a_name_may_have_a_host_a_namespace_and_a_tag() -> None:
    for name in ("x", "_x:1b", "me/x", "http://mirror:5000/library/x:1b", "registry.ollama.ai/library/x"):
        assert is_name(name)
    assert not is_name("host.example/x")


def test_default_prefixes_the_default_tag_and_case_make_no_difference() -> None:
    assert same_model(" registry.ollama.ai/library/X ", "x:latest")
