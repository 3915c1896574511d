"""The LLM Platform dashboard: traffic, latency, tokens, saturation, autoscaling."""

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common

from monitoring.source.panels import Query, board, graph, limit_line, limits, model_variable, stacked

NAMESPACE = 'namespace="$namespace"'
MODEL = f'{NAMESPACE}, model=~"$model"'
PHASES = ("queue", "load", "prefill", "decode")
WORKLOADS = {"llm-api": "deployment", "llm-runtime": "statefulset"}
# KEDA names the autoscaler that it makes after the ScaledObject.
AUTOSCALERS = f'{NAMESPACE}, horizontalpodautoscaler=~"(keda-hpa-)?llm-(api|runtime)"'


def dashboard() -> build.Dashboard:
    """Build the dashboard; each row answers one question about the platform."""
    rows = {
        "Traffic": [requests(), errors(), refusals()],
        "Latency": [latency(), average_by_phase(), p95_by_phase()],
        "Tokens": [tokens(), first_token(), output_token()],
        "Saturation": [running(), waiting(), cpu()],
        "Autoscaling": [replicas(), metric_against_target(), scale_events()],
        "Health": [runtime(), restarts()],
    }
    result = board(
        "llm-platform",
        "LLM Platform",
        "Traffic, latency, tokens, saturation and scaling of the LLM platform.",
    ).with_variable(model_variable())
    for title, panels in rows.items():
        result = result.with_row(build.Row(title))
        for panel in panels:
            result = result.with_panel(panel)
    return result


def per_second(counter: str, matchers: str = MODEL) -> str:
    """The summed rate of a counter."""
    return f"sum(rate({counter}{{{matchers}}}[$__rate_interval]))"


def counted(outcome: str) -> str:
    """Requests per second that ended so; 0 where none ever did."""
    return per_second("llm_requests_total", f'{MODEL}, outcome="{outcome}"') + " or vector(0)"


def average(histogram: str) -> str:
    """The mean of what a histogram saw."""
    return f"{per_second(histogram + '_sum')} / {per_second(histogram + '_count')}"


def quantile(q: float, histogram: str) -> str:
    """A quantile of what a histogram saw, over all pods and models chosen."""
    return f"histogram_quantile({q}, sum by (le) (rate({histogram}_bucket{{{MODEL}}}[$__rate_interval])))"


def average_and_quantiles(histogram: str) -> list[Query]:
    """The four lines of every latency panel."""
    quantiles = [(quantile(q, histogram), f"P{q * 100:.0f}") for q in (0.5, 0.95, 0.99)]
    return [(average(histogram), "average"), *quantiles]


def requests() -> timeseries.Panel:
    return stacked(
        "Requests per second",
        "Requests that ended, by outcome: ok, error, timeout, rejected (refused for load), "
        "cancelled (the client left).",
        "reqps",
        [(f"sum by (outcome) (rate(llm_requests_total{{{MODEL}}}[$__rate_interval]))", "{{outcome}}")],
    )


def errors() -> timeseries.Panel:
    return stacked(
        "Errors per second",
        "Requests that the platform failed: errors and timeouts. They spend the availability budget.",
        "reqps",
        [(counted("error"), "errors"), (counted("timeout"), "timeouts")],
    )


def refusals() -> timeseries.Panel:
    return graph(
        "Refusals per second",
        "Requests refused for load (a full queue, a key's budget spent), and those whose client left.",
        "reqps",
        [(counted("rejected"), "refused"), (counted("cancelled"), "cancelled")],
    )


def latency() -> timeseries.Panel:
    return graph(
        "Inference latency",
        "From dispatch to the runtime until the last byte, without the wait in the queue.",
        "s",
        average_and_quantiles("llm_inference_seconds"),
    )


def average_by_phase() -> timeseries.Panel:
    return stacked(
        "Average latency by phase",
        "Where the time of a request goes: waiting for a turn, loading the model, reading the prompt, "
        "writing the answer.",
        "s",
        [(average(f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def p95_by_phase() -> timeseries.Panel:
    return graph(
        "P95 latency by phase",
        "The slowest twentieth of each phase. A long queue asks for replicas, a long load for memory.",
        "s",
        [(quantile(0.95, f"llm_{phase}_seconds"), phase) for phase in PHASES],
    )


def tokens() -> timeseries.Panel:
    return graph(
        "Tokens per second",
        "Tokens read from prompts (in) and generated (out).",
        "none",
        [(per_second("llm_prompt_tokens_total"), "in"), (per_second("llm_generated_tokens_total"), "out")],
    ).decimals(1)


def first_token() -> timeseries.Panel:
    return graph(
        "Time to first token",
        "From the request's arrival to its first token, the wait in the queue included (TTFT).",
        "s",
        average_and_quantiles("llm_time_to_first_token_seconds"),
    )


def output_token() -> timeseries.Panel:
    return graph(
        "Time per output token",
        "Between one token and the next while the answer is written (TPOT).",
        "s",
        average_and_quantiles("llm_time_per_output_token_seconds"),
    )


def running() -> timeseries.Panel:
    return _gauge_against_maximum("running", "Generations in progress and how many may run at once.")


def waiting() -> timeseries.Panel:
    return _gauge_against_maximum(
        "waiting", "Requests in the gateways' queues and their room; beyond it they are refused."
    )


def _gauge_against_maximum(state: str, description: str) -> timeseries.Panel:
    gauge = f"llm_requests_{state}"
    return graph(
        f"Requests {state}",
        description,
        "none",
        [(f"sum({gauge}{{{NAMESPACE}}})", state), (f"sum({gauge}_max{{{NAMESPACE}}})", "maximum")],
    ).decimals(0)


def cpu() -> timeseries.Panel:
    queries = []
    for workload in WORKLOADS:
        pods = f'{NAMESPACE}, pod=~"{workload}-.+"'
        used = f'sum(rate(container_cpu_usage_seconds_total{{{pods}, container!=""}}[$__rate_interval]))'
        requested = f'sum(kube_pod_container_resource_requests{{{pods}, resource="cpu"}})'
        queries.append((f"{used} / {requested}", workload))
    return graph(
        "CPU against request",
        "CPU time used as a share of what the pods request: what an autoscaler on CPU acts upon.",
        "percentunit",
        queries,
    )


def replicas() -> timeseries.Panel:
    queries = []
    for workload, kind in WORKLOADS.items():
        this = f'{NAMESPACE}, {kind}="{workload}"'
        desired = "kube_deployment_spec_replicas" if kind == "deployment" else "kube_statefulset_replicas"
        queries.append((f"sum(kube_{kind}_status_replicas_ready{{{this}}})", f"{workload} ready"))
        queries.append((f"sum({desired}{{{this}}})", f"{workload} desired"))
    return (
        graph("Replicas", "Replicas that serve against those asked for.", "none", queries)
        .decimals(0)
        .line_interpolation(common.LineInterpolation.STEP_AFTER)
    )


def metric_against_target() -> timeseries.Panel:
    matching = "namespace, horizontalpodautoscaler, metric_name, metric_target_type"
    return (
        graph(
            "Autoscaler metric against target",
            "The metric that each autoscaler sees, as a share of its target; above 100 % it adds replicas.",
            "percentunit",
            [
                (
                    f"max by (horizontalpodautoscaler, metric_name) ("
                    f"kube_horizontalpodautoscaler_status_target_metric{{{AUTOSCALERS}}}"
                    f" / on ({matching}) kube_horizontalpodautoscaler_spec_target_metric{{{AUTOSCALERS}}})",
                    "{{horizontalpodautoscaler}} {{metric_name}}",
                )
            ],
        )
        .thresholds(limits((None, "green"), (1, "orange")))
        .thresholds_style(limit_line())
    )


def scale_events() -> timeseries.Panel:
    return (
        graph(
            "Scale events",
            "How often an autoscaler changed the number of replicas that it asks for.",
            "none",
            [
                (
                    f"sum by (horizontalpodautoscaler) (changes("
                    f"kube_horizontalpodautoscaler_status_desired_replicas{{{AUTOSCALERS}}}[$__rate_interval]))",
                    "{{horizontalpodautoscaler}}",
                )
            ],
        )
        .decimals(0)
        .draw_style(common.GraphDrawStyle.BARS)
    )


def runtime() -> timeseries.Panel:
    return (
        graph(
            "Runtime and model",
            "1 while every gateway reaches the runtime, and while the runtime lists the model.",
            "none",
            [
                (f"min(llm_runtime_up{{{NAMESPACE}}})", "runtime"),
                (f"min by (model) (llm_model_available{{{MODEL}}})", "{{model}}"),
            ],
        )
        .max(1)
        .decimals(0)
        .span(12)
    )


def restarts() -> timeseries.Panel:
    return (
        graph(
            "Container restarts",
            "Restarts of the platform's containers: crashes, kills for memory, failed liveness probes.",
            "none",
            [
                (
                    f"sum by (pod) (increase("
                    f'kube_pod_container_status_restarts_total{{{NAMESPACE}, pod=~"llm-(api|runtime)-.+"}}'
                    f"[$__rate_interval]))",
                    "{{pod}}",
                )
            ],
        )
        .decimals(0)
        .span(12)
    )
