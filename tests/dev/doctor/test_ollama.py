"""The Ollama of ENGINE=host: its address in Ollama's own syntax, its models, and the way to it from pods."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from dev import FixableError
from dev.doctor import ollama, probe
from dev.doctor.ollama import Ollama, parse_address
from dev.doctor.probe import ContainerEngine
from tests.dev.host_ollama import MODEL, host_ollama
from tests.processes import free_port

LINUX = ContainerEngine(True, "Docker 28.2.2")
IN_VM = ContainerEngine(True, "Docker 28.2.2", in_vm=True)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an Ollama that listens on loopback alone."""
    with host_ollama() as port:
        yield port


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:12000", "http://127.0.0.1:12000"),
        ("localhost", "http://localhost:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:12000", "http://127.0.0.1:12000"),
        (":12000", "http://127.0.0.1:12000"),
        ("[::]:12000", "http://127.0.0.1:12000"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:12000", "http://[::1]:12000"),
        ("gpu.example", "http://gpu.example:11434"),
        ("gpu.example:12000/ollama/", "http://gpu.example:12000/ollama"),
        ("http://gpu.example", "http://gpu.example:80"),
        ("https://gpu.example", "https://gpu.example:443"),
        ("http://0.0.0.0:12000", "http://127.0.0.1:12000"),
    ],
)
def test_an_address_is_read_as_ollama_reads_it(text: str, url: str) -> None:
    assert parse_address(text).url() == url


@pytest.mark.parametrize("text", ["host:port", "127.0.0.1:70000", "ftp://host", "http://user@host", "a b"])
def test_a_text_that_is_not_an_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(FixableError, match=f"(?s)OLLAMA_HOST={text} is not an address.*fix: OLLAMA_HOST="):
        parse_address(text)


def test_a_running_ollama_is_known_by_its_version_and_models(port: int) -> None:
    running = ollama.ask(parse_address(f"0.0.0.0:{port}"))
    assert running.url == f"http://127.0.0.1:{port}"
    assert running.version
    assert running.models == (MODEL,)


def test_a_running_ollama_is_asked_without_the_environments_proxy(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert ollama.ask(parse_address(f"127.0.0.1:{port}")).models == (MODEL,)


@pytest.mark.parametrize(
    "body", [b"hello", b"[]", b'{"status": "ok"}', b'{"version": "1", "models": [1]}', None]
)
def test_what_is_not_an_ollama_is_refused_with_its_address(body: bytes | None) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(
            FixableError, match=f"(?s)no Ollama answers at http://127.0.0.1:{server.server_port}.*fix"
        ):
            ollama.ask(parse_address(f"127.0.0.1:{server.server_port}"))
        server.shutdown()


def test_where_nothing_listens_the_fix_starts_it() -> None:
    with pytest.raises(FixableError, match=r"(?s)refused.*ollama serve.*OLLAMA_HOST="):
        ollama.ask(parse_address(f"127.0.0.1:{free_port()}"))


RUNNING = Ollama("http://127.0.0.1:11434", "0.12.3", ("qwen3:0.6b", "llama3.2:latest"))


@pytest.mark.parametrize(
    ("wanted", "model"),
    [("", "qwen3:0.6b"), ("qwen3:0.6b", "qwen3:0.6b"), ("llama3.2", "llama3.2:latest")],
)
def test_the_first_model_is_the_default_and_a_name_without_a_tag_means_latest(
    wanted: str, model: str
) -> None:
    assert ollama.choose_model(RUNNING, wanted) == model


def test_a_model_that_it_does_not_have_is_refused_with_the_list_and_the_pull() -> None:
    with pytest.raises(FixableError) as refusal:
        ollama.choose_model(RUNNING, "gemma3:270m")
    assert "MODEL=gemma3:270m; it has: qwen3:0.6b, llama3.2:latest" in refusal.value.problem
    assert refusal.value.fix == "ollama pull gemma3:270m"


def test_an_ollama_without_models_is_refused_with_a_pull() -> None:
    with pytest.raises(FixableError, match=r"(?s)has no models.*fix: ollama pull gemma3:270m"):
        ollama.choose_model(Ollama("http://127.0.0.1:11434", "0.12.3", ()), "")


def networks(monkeypatch: pytest.MonkeyPatch, **gateways: str) -> None:
    monkeypatch.setattr(probe, "network_gateway", lambda name: gateways.get(name, ""))


def test_pods_reach_an_ollama_that_listens_everywhere_at_the_gateway_of_kinds_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks(monkeypatch, kind="127.0.0.2", bridge="127.0.0.3")
    with host_ollama("0.0.0.0") as everywhere:
        address = parse_address(f"127.0.0.1:{everywhere}")
        assert ollama.url_from_pods(address, LINUX) == f"http://127.0.0.2:{everywhere}"
        networks(monkeypatch, bridge="127.0.0.3")
        assert ollama.url_from_pods(address, LINUX) == f"http://127.0.0.3:{everywhere}", "no cluster yet"


def test_an_ollama_on_loopback_alone_is_refused_with_both_ways_to_open_it(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks(monkeypatch, kind="127.0.0.2")
    with pytest.raises(FixableError) as refusal:
        ollama.url_from_pods(parse_address(f"127.0.0.1:{port}"), LINUX)
    assert "loopback alone" in refusal.value.problem
    assert "OLLAMA_HOST=0.0.0.0 ollama serve" in refusal.value.fix
    assert "systemctl edit ollama" in refusal.value.fix


def test_docker_desktop_has_a_name_for_this_machine() -> None:
    url = ollama.url_from_pods(parse_address("127.0.0.1:11434"), IN_VM)
    assert url == "http://host.docker.internal:11434"


@pytest.mark.parametrize("containers", [LINUX, IN_VM])
def test_an_ollama_on_another_machine_has_the_same_address_in_a_pod(containers: ContainerEngine) -> None:
    assert ollama.url_from_pods(parse_address("192.0.2.7"), containers) == "http://192.0.2.7:11434"


def test_docker_without_an_ipv4_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    networks(monkeypatch)
    with pytest.raises(FixableError, match="no IPv4 gateway"):
        ollama.url_from_pods(parse_address("127.0.0.1"), LINUX)


def test_a_port_of_another_address_is_not_loopbacks() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ollama.can_connect("127.0.0.1", port)
        assert not ollama.can_connect("127.0.0.2", port)
