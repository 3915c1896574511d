"""Envoy's configuration passes everything on, for as long as a generation takes."""

import json

from bench import envoy


def test_envoy_listens_where_the_benchmark_says_and_asks_the_runtime() -> None:
    recipe = envoy.recipe("http://127.0.0.1:11434")
    command = [part.replace("{port}", "8123") for part in recipe.command]
    resources = json.loads(command[-1])["static_resources"]
    address = resources["listeners"][0]["address"]["socket_address"]
    assert address == {"address": "127.0.0.1", "port_value": "8123"}
    endpoint = resources["clusters"][0]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
    runtime = endpoint["endpoint"]["address"]["socket_address"]
    assert runtime == {"address": "127.0.0.1", "port_value": "11434"}


def test_envoy_has_one_worker_and_no_deadline() -> None:
    recipe = envoy.recipe("http://127.0.0.1:11434")
    assert recipe.command[recipe.command.index("--concurrency") + 1] == "1"
    assert '"timeout": "0s"' in recipe.command[-1]
