"""Documents name only what exists: commands, values, variables, metrics, alerts, panels, paths."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from llm_api.settings import Settings

from dev.__main__ import VERBS
from tests.docs import facts, markdown
from tests.docs.facts import ROOT
from tests.docs.markdown import Mention
from tests.processes import free_port, service
from tests.waiting import SECONDS

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "charts" / "README.md"]
MENTIONS = [mention for path in DOCUMENTS for mention in markdown.read(path, ROOT)]
KINDS = [*dict.fromkeys([*markdown.IN_CODE, *markdown.ANYWHERE, "option", "panel"])]
KINDS.remove("log filter")

EXEMPT = {
    ".venv/": "created by make; git ignores it",
    ".tools/": "created by make; git ignores it",
    "out/": "created by the programs that write results there; git ignores it",
    "tilt_config.json": "the user's own copy of tilt_config.example.json; git ignores it",
    "/v1": "the base URL that OpenAI's clients want, a prefix of routes",
    "ollama_chat/": "a prefix of LiteLLM's model names",
    "llama.cpp": "the name of a project",
    "MISE_URL_REPLACEMENTS": "read by mise",
    "DOCKER_HOST": "read by Docker's clients",
    "OPENAI_BASE_URL": "read by OpenAI's clients",
    "OPENAI_API_KEY": "read by OpenAI's clients",
    "ANTHROPIC_BASE_URL": "read by Anthropic's clients",
    "ANTHROPIC_API_KEY": "read by Anthropic's clients",
    "error.type": "an attribute of OpenTelemetry's conventions",
    "/v1/traces": "a path of OTLP, at the collector",
    "OTEL_TRACES_SAMPLER": "read by OpenTelemetry's SDK",
    "OTEL_TRACES_SAMPLER_ARG": "read by OpenTelemetry's SDK",
    "OTEL_EXPORTER_OTLP_HEADERS": "read by OpenTelemetry's exporter",
    "OTEL_BSP_SCHEDULE_DELAY": "read by OpenTelemetry's SDK",
}
"""Names that the code does not have, and why a document may use them. `folder/` covers everything in it."""

DEFECTS = """
Run `make nothing`, `python -m dev nothing`, `python -m dev.nothing` or `make bench ARGS=--no-such-option`.
Panel *No such panel*, alert LLMNoSuchAlert, `llm_no_such_total`, `GET /no/such/route`, [x](#no-such-section).
Set `LLM_NO_SUCH_SETTING` and `autoscaling.max`; read dev/no_such_file.py and `no_such_file.yaml`.
Run `k logs sts/llm-nothing`.
"""

REQUEST = re.compile(r"curl localhost:8000(\S+) --json '(.+)'")
MODEL = str(Settings.model_fields["model"].default)

Known = dict[str, Callable[[str], bool]]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a gateway and of a simulated runtime."""
    logs = tmp_path_factory.mktemp("logs")
    with (
        service("runtime", logs / "runtime", RUNTIME_ENGINE="simulated", RUNTIME_MODEL=MODEL) as runtime,
        service("api", logs / "api", ready="/health", LLM_RUNTIME_URL=runtime) as gateway,
    ):
        yield gateway, runtime


@pytest.fixture(scope="module")
def known(services: tuple[str, str]) -> Known:
    """For each kind of name: whether there is such a thing."""
    tree = facts.files()
    code = facts.code(tree)
    variables = facts.variables()
    return {
        "make target": facts.make_targets().__contains__,
        "Python module": facts.is_module,
        "verb": VERBS.__contains__,
        "option": lambda name: bool(re.search(rf'--{name}\b|"{name.replace("-", "_")}"', code)),
        "variable": lambda name: name in variables or bool(re.search(rf'\b{name}\b|"{name.lower()}"', code)),
        "chart value": (facts.chart_values() | facts.request_fields()).__contains__,
        "metric": facts.metrics(*services).__contains__,
        "alert": facts.alerts().__contains__,
        "panel": facts.panel_titles().__contains__,
        "HTTP path": lambda path: facts.is_http_path(path, *services),
        "Kubernetes object": facts.is_object,
        "path": partial(facts.is_path, tree=tree),
        "file": partial(facts.is_file, tree=tree),
        "link": is_link_target,
    }


def is_link_target(link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = ROOT / path
    return target.exists() and (not anchor or anchor in markdown.anchors(target.read_text()))


def exemption(mention: Mention) -> str | None:
    """Return the entry of the table that covers a name."""
    return next(
        (e for e in EXEMPT if mention.name == e or (e[-1] == "/" and mention.name.startswith(e))), None
    )


def missing(mentions: list[Mention], known: Known) -> list[str]:
    return [
        f"{m.document}:{m.line}: no such {m.kind}: {m.name}"
        for m in mentions
        if m.kind in known and not exemption(m) and not known[m.kind](m.name)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_documents_name_only_what_exists(kind: str, known: Known) -> None:
    wrong = missing([m for m in MENTIONS if m.kind == kind], known)
    assert not wrong, "\n".join(wrong)


def test_a_wrong_name_of_each_kind_is_found(known: Known) -> None:
    found = missing(list(markdown.mentions("x.md", DEFECTS)), known)
    assert {line.split(": ")[1].removeprefix("no such ") for line in found} == set(KINDS), found


def test_every_exemption_is_needed(known: Known) -> None:
    needed = {exemption(m) for m in MENTIONS if m.kind in known and not known[m.kind](m.name)}
    assert set(EXEMPT) - needed == set(), "remove them from EXEMPT"


def test_every_request_of_the_readme_is_answered(services: tuple[str, str]) -> None:
    requests = REQUEST.findall((ROOT / "README.md").read_text())
    assert len(requests) >= 2
    for path, body in requests:
        response = httpx.post(
            services[0] + path, content=body, headers={"content-type": "application/json"}, trust_env=False
        )
        assert response.status_code == 200, f"{path} {body}: {response.text}"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_filters_of_the_gateways_log_find_the_request_that_failed_or_was_rejected(
    log_format: str, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log", log_format)
    filters = {mention.name for mention in MENTIONS if mention.kind == "log filter"}
    found = {command: grep(command, log) for command in filters}
    for lines in found.values():
        assert len(lines) == 1, f"{found} in:\n{log}"
        assert "invalid" not in lines[0]
    assert any("failed" in lines[0] for lines in found.values()), f"{found} in:\n{log}"


def write_log(file: Path, log_format: str) -> str:
    """Return the log of a gateway after one invalid, one failed and one rejected request."""
    settings = {
        "LLM_LOG_FORMAT": log_format,
        "LLM_RUNTIME_URL": f"http://127.0.0.1:{free_port()}",
        "LLM_API_KEYS": "key",
        "LLM_KEY_REQUESTS_PER_MINUTE": "1",
    }
    bodies = {"invalid": "{}", "failed": '{"prompt": "x"}', "rejected": '{"prompt": "x"}'}
    with service("api", file, ready="/health", **settings) as gateway:
        for request_id, body in bodies.items():
            headers = {
                "x-request-id": request_id,
                "content-type": "application/json",
                "authorization": "Bearer key",
            }
            httpx.post(f"{gateway}/generate", content=body, headers=headers, trust_env=False)
    return file.read_text()


def grep(command: str, text: str) -> list[str]:
    return subprocess.run(
        shlex.split(command), input=text, stdout=subprocess.PIPE, text=True, check=False, timeout=SECONDS
    ).stdout.splitlines()
