"""`python -m dev https` with a kubectl that records its calls."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError, kubectl
from dev.doctor import tools
from dev.https import authority, command, manifests
from dev.settings import CONTEXT

READY = {"status": {"conditions": [{"type": t, "status": "True"} for t in ("Ready", "Programmed")]}}


class Cluster:
    """Answers calls of kubectl: refuses the first `refusals` applies, as a webhook that starts does."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.applied: list[dict[str, Any]] = []
        self.refusals = 0
        self.status: dict[str, Any] = READY

    def output(self, *arguments: str, text: str = "") -> str:
        self.calls.append(arguments)
        if arguments[0] == "apply" and text:
            if self.refusals:
                self.refusals -= 1
                raise FixableError("failed calling webhook: connection refused")
            self.applied += json.loads(text)["items"]
        if arguments[:2] == ("get", "secret"):
            return json.dumps({"data": {"tls.crt": base64.b64encode(b"the authority").decode()}})
        return json.dumps(self.status)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(kubectl, "output", found.output)
    monkeypatch.setattr(kubectl.until, "__defaults__", (lambda _: None, 2))
    monkeypatch.setattr(command, "READY_SECONDS", 0)
    monkeypatch.setenv("CAROOT", str(tmp_path / "mkcert"))
    monkeypatch.setattr(authority.write, "__defaults__", (tmp_path / "out/ca.crt",))
    return found


def kinds(cluster: Cluster) -> list[str]:
    return [o["kind"] for o in cluster.applied]


def test_apply_installs_the_gateway_writes_the_authority_and_says_how_to_use_it(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["apply", "traefik", "https://llm.localhost:8443"]) == 0
    assert kinds(cluster) == ["Issuer", "Certificate", "Issuer", "Certificate", "Gateway"]
    assert (tmp_path / "out/ca.crt").read_text() == "the authority"
    shown = capsys.readouterr()
    assert "curl --cacert" in shown.err
    assert json.loads(shown.out) == READY  # for Tilt, and nothing else


def test_envoy_has_a_class_of_its_own_and_the_same_gateway(cluster: Cluster) -> None:
    assert command.main(["apply", "envoy", "https://llm.localhost:8443"]) == 0
    made = ["Issuer", "Certificate", "EnvoyProxy", "GatewayClass", "Issuer", "Certificate", "Gateway"]
    assert kinds(cluster) == made
    assert cluster.applied[-1]["spec"]["gatewayClassName"] == cluster.applied[3]["metadata"]["name"]


def test_apply_tries_again_until_cert_managers_webhook_answers(cluster: Cluster) -> None:
    cluster.refusals = 3
    assert command.main(["apply", "traefik", "https://llm.localhost:8443"]) == 0
    assert kinds(cluster)[-1] == "Gateway"


def test_with_mkcert_its_authority_signs_and_its_key_is_not_printed(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mkcert").mkdir()
    (tmp_path / "mkcert/rootCA.pem").write_text("certificate")
    (tmp_path / "mkcert/rootCA-key.pem").write_text("the private key")
    command.main(["apply", "traefik", "https://llm.localhost:8443"])
    assert kinds(cluster) == ["Secret", "Issuer", "Certificate", "Gateway"]
    assert cluster.applied[0]["stringData"]["tls.key"] == "the private key"
    shown = capsys.readouterr()
    assert "the private key" not in shown.out + shown.err


def test_what_does_not_become_ready_fails_with_the_objects_own_words(cluster: Cluster) -> None:
    condition = {"type": "Ready", "status": "False", "reason": "Pending", "message": "Issuer not found"}
    cluster.status = {"status": {"conditions": [condition]}}
    with pytest.raises(FixableError, match=r"(?s)llm-tls is not Ready: Pending Issuer not found.*describe"):
        command.main(["apply", "traefik", "https://llm.localhost:8443"])


def test_crds_that_cannot_be_had_name_the_setting_that_points_elsewhere(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: str, text: str = "") -> str:
        raise FixableError("`kubectl apply` failed: dial tcp")

    monkeypatch.setattr(kubectl, "output", unreachable)
    with pytest.raises(FixableError, match=r"(?s)dial tcp.*fix: GATEWAY_API_CRDS="):
        command.main(["crds", "https://unreachable.example/crds.yaml"])


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A kubectl that logs its arguments, and answers what is written into its script."""
    path = tmp_path / "kubectl"
    monkeypatch.setattr(tools, "path", lambda _: str(path))
    return path


def script(path: Path, text: str) -> None:
    path.write_text(f'#!/bin/sh\necho "$@" >> {path}.log\n{text}\n')
    path.chmod(0o755)


def test_every_call_names_the_projects_context(program: Path) -> None:
    script(program, "cat")
    assert kubectl.output("apply", "--filename=-", text="x") == "x"
    assert Path(f"{program}.log").read_text().startswith(f"--context {CONTEXT} apply")


def test_delete_removes_the_gateway_by_its_label_and_its_secrets(program: Path) -> None:
    script(program, "")
    assert command.main(["delete"]) == 0
    log = Path(f"{program}.log").read_text()
    assert all(f"delete {kind} --selector" in log for kind in command.KINDS)
    assert all(f"{name}={value}" in log for name, value in manifests.LABELS.items())
    assert f"delete secret {manifests.AUTHORITY} {manifests.CERTIFICATE}" in log


def test_delete_reports_what_the_api_server_refused(program: Path) -> None:
    script(program, "echo forbidden >&2; exit 1")
    with pytest.raises(FixableError, match="forbidden"):
        command.main(["delete"])
