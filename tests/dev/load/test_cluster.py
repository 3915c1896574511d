"""Calls to the API server: never through a proxy on loopback, and every failure is an error with a fix."""

import json
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError
from dev.load import cluster
from dev.load.job import Run
from dev.proxy import exempt_loopback
from dev.settings import CONTEXT
from tests.dev.fake_gateway import FakeGateway
from tests.waiting import SECONDS

RUN = Run("smoke", {})


def kubeconfig(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
    }
    (folder / "config").write_text(json.dumps(config))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(folder / "config"))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_an_api_server_on_loopback_is_not_reached_through_a_proxy(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    kubeconfig(tmp_path, gateway.url, monkeypatch)
    gateway.refusals["/version/"] = (200, {"major": "1", "minor": "34"})
    environment = {variable: "http://127.0.0.1:9"}
    exempt_loopback(environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    api = cluster.connect(CONTEXT)
    with cluster.api_errors():
        response = api.call_api("GET", f"{gateway.url}/version/", _request_timeout=SECONDS)
    assert response.status == 200


@pytest.mark.parametrize("verb", ["load", "autoscale"])
def test_an_api_server_that_does_not_answer_is_an_error_with_its_fix(
    dev: Any, verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, "https://127.0.0.1:9", monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:7")
    status, _, err = dev(verb)
    assert status == 1
    assert "port=9" in err
    assert "Proxy" not in err
    assert err.startswith("error: the API server does not answer: ")
    assert err.endswith("  fix: make up\n")


def test_a_missing_namespace_is_an_error_with_its_fix(
    gateway: FakeGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig(tmp_path, gateway.url, monkeypatch)
    missing = {"message": 'namespaces "llm" not found'}
    gateway.refusals["/api/v1/namespaces/llm/configmaps"] = (404, missing)
    api = cluster.connect(CONTEXT)
    expected = pytest.raises(FixableError, match=r"(?s)namespaces .*llm.* not found.*fix: make up")
    with expected, cluster.job(api, RUN, "k6"):
        pytest.fail("the Job was created")


@pytest.mark.parametrize(
    ("ended", "status", "message"),
    [
        ({"exitCode": 0}, 0, ""),
        ({"exitCode": 99}, 1, ""),
        ({"exitCode": 137, "reason": "OOMKilled"}, 1, "error: k6 ran out of memory\n  fix: a lower --rate"),
    ],
)
def test_a_load_in_the_cluster_prints_its_log_and_is_removed(
    dev: Any,
    gateway: FakeGateway,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended: dict[str, Any],
    status: int,
    message: str,
) -> None:
    kubeconfig(tmp_path, gateway.url, monkeypatch)
    container = {"name": "k6", "image": "", "imageID": "", "ready": False, "restartCount": 0}
    pod = {
        "metadata": {"name": "p"},
        "status": {
            "phase": "Running",
            "containerStatuses": [container | {"state": {"terminated": ended}}],
        },
    }
    namespaced = "/api/v1/namespaces/llm"
    gateway.refusals = {
        f"{namespaced}/configmaps": (201, {}),
        "/apis/batch/v1/namespaces/llm/jobs": (201, {}),
        f"{namespaced}/pods": (200, {"items": [pod]}),
        f"{namespaced}/pods/p": (200, pod),
        f"{namespaced}/pods/p/log": (200, b"a line of k6\nits last line"),
    }
    code, out, err = dev("load")
    assert code == status
    assert out.endswith("a line of k6\nits last line\n")
    assert err.startswith(message)
    assert [path.split("/")[-2] for path in gateway.deleted] == ["jobs", "configmaps"]
