"""The metrics that charts, dashboards and alerts rely on: names, labels and first values."""

from fastapi.routing import APIRoute
from llm_api.metrics import OUTCOMES
from llm_api.server import ollama
from llm_api.server.routes import paths
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from api.main import GENERATING, create_app
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat, generate, ndjson
from tests.monitoring.queries import dashboard_queries, metrics, rules

HISTOGRAMS = [
    "llm_inference_seconds",
    "llm_queue_seconds",
    "llm_load_seconds",
    "llm_prefill_seconds",
    "llm_decode_seconds",
    "llm_time_to_first_token_seconds",
    "llm_time_per_output_token_seconds",
]
CONTRACT = {
    "llm_requests": ("counter", {"model", "route", "outcome"}),
    "llm_invalid_requests": ("counter", {"route", "status"}),
    "llm_prompt_tokens": ("counter", {"model"}),
    "llm_generated_tokens": ("counter", {"model"}),
    "llm_requests_running": ("gauge", set()),
    "llm_requests_waiting": ("gauge", set()),
    "llm_requests_running_max": ("gauge", set()),
    "llm_requests_waiting_max": ("gauge", set()),
    "llm_tasks": ("gauge", set()),
    "llm_connections": ("gauge", set()),
    "llm_runtime_up": ("gauge", set()),
    "llm_model_available": ("gauge", {"model"}),
    **dict.fromkeys(HISTOGRAMS, ("histogram", {"model"})),
}


async def scrape(app: InProcess) -> dict[str, Metric]:
    response = await app.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(response.text)}


def values(family: Metric) -> dict[tuple[str, ...], float]:
    """Return the samples of a counter by their label values, which are sorted by label name."""
    return {tuple(value for _, value in sorted(s.labels.items())): s.value for s in family.samples}


async def test_every_metric_of_the_contract_is_exported_with_its_labels(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(json={"response": "x", **DONE})
    await generate(app)
    await app.http.post("/generate", content=b"")
    families = await scrape(app)
    assert {name for name in families if name.startswith("llm_")} == set(CONTRACT)
    for name, (kind, labels) in CONTRACT.items():
        assert families[name].type == kind
        assert families[name].documentation
        for sample in families[name].samples:
            assert set(sample.labels) - {"le"} == labels, sample


async def test_every_metric_that_dashboards_and_rules_read_is_exported(open_gateway: Open) -> None:
    expressions = [query.filled() for query in dashboard_queries()] + [rule["expr"] for rule in rules()]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    read = {name for text in expressions for name in metrics(text) if name.startswith("llm_")} - recorded
    families = (await scrape(await open_gateway())).values()
    exported = {sample.name for family in families for sample in family.samples}
    assert len(read) > 10
    assert read <= exported | {"llm_invalid_requests_total"}


async def test_the_series_of_the_model_start_at_0(open_gateway: Open) -> None:
    families = await scrape(await open_gateway())
    expected = {(MODEL, outcome, route): 0.0 for outcome in OUTCOMES for route in GENERATING}
    assert values(families["llm_requests"]) == expected
    for name in HISTOGRAMS:
        counts = [s.value for s in families[name].samples if s.name == f"{name}_count"]
        assert counts == [0]
    for name in ("llm_prompt_tokens", "llm_generated_tokens"):
        assert values(families[name]) == {(MODEL,): 0}


def test_the_metrics_have_the_routes_that_generate() -> None:
    app = create_app()
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    posted = {route.path for route in routes if "POST" in (route.methods or ())}
    assert posted - set(paths(ollama.models)) == set(GENERATING)


async def test_a_generation_is_counted_once_with_its_tokens_and_phases(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    await chat(app, stream=True)
    families = await scrape(app)
    requests = values(families["llm_requests"])
    assert {labels for labels, count in requests.items() if count} == {(MODEL, "ok", "/v1/chat/completions")}
    assert values(families["llm_prompt_tokens"]) == {(MODEL,): 7}
    assert values(families["llm_generated_tokens"]) == {(MODEL,): 2}
    for name in HISTOGRAMS:
        assert [s.value for s in families[name].samples if s.name == f"{name}_count"] == [1], name


async def test_only_models_that_the_runtime_lists_become_labels(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="right")
    app.http.headers["Authorization"] = "Bearer right"
    for number in range(20):
        await chat(app, model=f"none:{number}")
        await generate(app, model=f"none:{number}")
        await app.http.post(f"/nothing/{number}")
        await app.http.get("/v1/models", headers={"Authorization": f"Bearer {number}"})
    families = await scrape(app)
    assert {s.labels["model"] for f in families.values() for s in f.samples if "model" in s.labels} == {MODEL}
    assert values(families["llm_invalid_requests"]) == {
        ("", "401"): 20,
        ("/generate", "404"): 20,
        ("/v1/chat/completions", "404"): 20,
    }


async def test_the_gauges_show_the_limits_and_the_state_of_the_runtime(open_gateway: Open) -> None:
    app = await open_gateway(max_running=3, max_waiting=5)

    async def gauges(*names: str) -> list[float]:
        families = await scrape(app)
        return [families[f"llm_{name}"].samples[0].value for name in names]

    limits = ("requests_running", "requests_waiting", "requests_running_max", "requests_waiting_max")
    assert await gauges(*limits) == [0, 0, 3, 5]
    assert await gauges("runtime_up", "model_available") == [1, 1]
    app.runtime.get("/api/tags").respond(json={"models": []})
    await app.gateway.catalogue.refresh()
    assert await gauges("runtime_up", "model_available") == [1, 0]
    app.runtime.get("/api/tags").respond(500)
    await app.gateway.catalogue.refresh()
    assert await gauges("runtime_up", "model_available") == [0, 0]


async def test_the_buckets_range_from_milliseconds_to_the_minutes_of_a_cpu(
    open_gateway: Open,
) -> None:
    families = await scrape(await open_gateway())

    def bounds(name: str) -> list[float]:
        samples = families[name].samples
        return [float(s.labels["le"]) for s in samples if s.name == f"{name}_bucket"][:-1]

    assert bounds("llm_inference_seconds")[-1] >= 120
    assert bounds("llm_time_to_first_token_seconds")[0] <= 0.005
    assert bounds("llm_time_to_first_token_seconds")[-1] >= 120
    assert bounds("llm_time_per_output_token_seconds")[0] <= 0.001
