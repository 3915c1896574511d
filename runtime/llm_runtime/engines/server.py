"""llama.cpp's server, as a Python object (xllamacpp)."""

import secrets
from pathlib import Path
from typing import Any

import xllamacpp  # type: ignore[import-untyped]

# Prompt tokens per batch: a job that was cancelled stops at the end of a batch.
BATCH = 128


def parameters_of(path: Path, *, slots: int, context: int, threads: int, template: str = "") -> Any:
    """Return the server's xllamacpp.CommonParams; `context` in tokens for each slot, `template` in Jinja."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_parallel = slots
    parameters.n_ctx = context * slots
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    if template:
        parameters.chat_template = template
    # Use no more memory after the load; Runner.warm_up takes the place of llama.cpp's own.
    parameters.cache_ram_mib = 0
    parameters.fit_params = parameters.warmup = False
    # xllamacpp also opens an HTTP port of its own on loopback: lock it with a key that nobody knows.
    parameters.api_keys = [secrets.token_hex()]
    parameters.ui = parameters.endpoint_slots = False
    parameters.endpoint_metrics = True  # for start_server
    parameters.verbosity = -1
    return parameters


def start_server(parameters: Any) -> Any:
    """Return an xllamacpp.Server whose loop is running.

    The constructor returns earlier. A server that is freed before its loop runs never stops, and blocks the
    whole process, because it waits while it holds the GIL. Only the running loop answers handle_metrics.

    Raises:
        RuntimeError: llama.cpp cannot load the model.
    """
    server = xllamacpp.Server(parameters)
    server.handle_metrics()
    return server


def grammar_of(schema: dict[str, Any]) -> str:
    """Return a grammar of the JSON that conforms to a schema, on one line."""
    return str(xllamacpp.json_schema_to_grammar(schema))


def follows(server: Any, grammar: str) -> bool:
    """Return whether the server can follow a grammar of JSON.

    If llguidance cannot compile a grammar, llama.cpp only logs that, and generates anything. So ask for a
    token that cannot begin JSON, and see whether it comes.
    """
    wanted = {"logit_bias": [["}", 100]], "max_tokens": 1, "temperature": 0}
    answer = server.handle_completions({"prompt": "{", "grammar": grammar} | wanted)
    return "error" not in answer and answer["choices"][0]["text"] != "}"
