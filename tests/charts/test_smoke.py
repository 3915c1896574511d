"""`helm test`: the charts' own checks of what they installed, run against the real services."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.helm import CHARTS, Helm, Manifest, with_image
from tests.charts.ollama_pod import PRESENT, Pod
from tests.processes import free_port, service
from tests.waiting import until_sync

SECONDS = 100


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"RUNTIME_ENGINE": "simulated", "RUNTIME_SIMULATED_TOKENS": "4"}
    with service("runtime", tmp_path_factory.mktemp("runtime") / "log", **settings) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"LLM_RUNTIME_URL": runtime, "LLM_MODEL": "smollm2:135m", "LLM_API_KEYS": "one,two"}
    with service("api", tmp_path_factory.mktemp("gateway") / "log", **settings) as url:
        yield url


def smoke(helm: Helm, chart: str, *settings: str) -> Manifest:
    """Return the container of `helm test`."""
    manifests = helm.template(CHARTS / chart, *with_image(chart, settings))
    (pod,) = [manifest for manifest in manifests if manifest["kind"] == "Pod"]
    (container,) = pod["spec"]["containers"]
    return dict(container)


def run(container: Manifest, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a container's command as it stands; its Python is the one of this test."""
    program, *options = container["command"] + container["args"]
    command = [sys.executable if program == "python" else program, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)


def test_the_gateways_checks_pass_with_the_first_of_its_keys(helm: Helm, gateway: str) -> None:
    container = smoke(helm, "llm-api", "apiKeys.existingSecret=mine")
    variables = {entry["name"]: entry for entry in container["env"]}
    assert variables["LLM_URL"]["value"] == "http://llm-api:8000"
    assert variables["LLM_API_KEYS"]["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "api-keys"}
    done = run(container, LLM_URL=gateway, LLM_API_KEYS="one,two")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("smoke: all 7 checks passed\n")


def test_the_checks_ask_the_services_themselves_whatever_proxy_the_environment_has(
    helm: Helm, gateway: str, runtime: str
) -> None:
    nowhere = "http://127.0.0.1:9"
    proxies = {"HTTP_PROXY": nowhere, "http_proxy": nowhere}
    done = run(smoke(helm, "llm-api"), LLM_URL=gateway, LLM_API_KEYS="one", **proxies)
    assert done.returncode == 0, done.stdout + done.stderr
    container = smoke(helm, "llm-runtime", "engine=simulated")
    done = run(container, OLLAMA_HOST=runtime, MODEL="smollm2:135m", **proxies)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_gateway_that_refuses_the_key_fails_the_checks_that_need_it(helm: Helm, gateway: str) -> None:
    done = run(smoke(helm, "llm-api"), LLM_URL=gateway, LLM_API_KEYS="wrong")
    assert done.returncode == 1
    assert "FAIL  POST /generate: status 401, not 200" in done.stdout
    assert "ok    GET /health" in done.stdout
    assert done.stdout.endswith("smoke: 4 of 7 checks failed\n")


def test_without_a_gateway_every_check_fails(helm: Helm) -> None:
    done = run(smoke(helm, "llm-api"), LLM_URL=f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("smoke: 7 of 7 checks failed\n")


@pytest.mark.parametrize(("chart", "variable"), [("llm-api", "LLM_URL"), ("llm-runtime", "OLLAMA_HOST")])
def test_a_network_that_refuses_the_pod_at_first_is_tried_again(
    helm: Helm, chart: str, variable: str
) -> None:
    container = smoke(helm, chart, *(["engine=simulated"] if chart == "llm-runtime" else []))
    command = [sys.executable, *container["command"][1:], *container["args"]]
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{late.getsockname()[1]}"
        with subprocess.Popen(command, env={variable: url, "MODEL": "m"}, stdout=subprocess.PIPE) as program:
            time.sleep(1)  # all checks are refused within this time
            late.listen()
            late.settimeout(SECONDS)
            late.accept()[0].close()
            program.kill()


def test_the_embedded_runtimes_check_passes(helm: Helm, runtime: str) -> None:
    container = smoke(helm, "llm-runtime", "engine=simulated")
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    assert variables["OLLAMA_HOST"] == "http://llm-runtime:11434"
    done = run(container, OLLAMA_HOST=runtime, MODEL=variables["MODEL"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("smoke: all checks passed\n")


def test_a_model_that_is_not_there_fails_the_embedded_runtimes_check(helm: Helm, runtime: str) -> None:
    done = run(smoke(helm, "llm-runtime", "engine=simulated"), OLLAMA_HOST=runtime, MODEL="no-such:1")
    assert done.returncode == 1
    assert "FAIL  the model no-such:1 answers: status 404" in done.stderr


LISTED = {"list": [0, "NAME    ID    SIZE    MODIFIED\n", ""]}
ANSWER = {"run": [0, "Hello!\n", ""]}


@pytest.mark.parametrize(
    ("results", "status", "last"),
    [
        (LISTED | PRESENT | ANSWER, 0, "smoke: all checks passed"),
        (
            LISTED | {"show": [1, "", "Error: model 'm' not found\n"]},
            1,
            "FAIL  the model gemma3:270m is there: Error: model 'm' not found",
        ),
        (LISTED | PRESENT | {"run": [0, "", ""]}, 1, "FAIL  the model gemma3:270m answers: no output"),
    ],
)
def test_ollamas_check_asks_the_model(
    helm: Helm, pod: Pod, results: dict[str, Any], status: int, last: str
) -> None:
    container = smoke(helm, "llm-runtime")
    server = subprocess.Popen(["ollama", "serve"], env=pod.environment)
    try:
        until_sync("the server to listen", pod.listens)
        done = pod.run_command(
            [*container["command"], *container["args"]], results=results, MODEL="gemma3:270m"
        )
        assert (done.returncode, done.stdout.splitlines()[-1]) == (status, last)
    finally:
        server.kill()
        server.wait()


def test_ollamas_check_never_pulls(helm: Helm) -> None:
    script = smoke(helm, "llm-runtime")["args"][0]
    assert "ollama pull" not in script
    assert script.index("ollama show") < script.index("ollama run")


def test_the_pod_may_run_where_pod_security_is_restricted(helm: Helm) -> None:
    for chart in ("llm-api", "llm-runtime"):
        manifests = helm.template(CHARTS / chart, *with_image(chart, ()))
        (spec,) = [manifest["spec"] for manifest in manifests if manifest["kind"] == "Pod"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}
