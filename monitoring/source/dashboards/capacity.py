"""Panels about pods: saturation, autoscaling, health."""

from grafana_foundation_sdk.builders import timeseries
from grafana_foundation_sdk.models import common

from monitoring.source.dashboards.panels import Rows, graph, threshold_lines, thresholds
from monitoring.source.dashboards.promql import MODEL, NAMESPACE

WORKLOADS = {"llm-api": "deployment", "llm-runtime": "statefulset"}
# KEDA prefixes the autoscaler that it creates with keda-hpa- (and the ScaledObject's name).
AUTOSCALERS = f'{NAMESPACE}, horizontalpodautoscaler=~"(keda-hpa-)?llm-(api|runtime)"'


def rows() -> Rows:
    return {
        "Saturation": [running(), waiting(), cpu()],
        "Autoscaling": [replicas(), metric_against_target(), scaling_events()],
        "Health": [runtime(), restarts()],
    }


def running() -> timeseries.Panel:
    return _gauge_against_maximum("running", "Generations in progress, and how many may run at once.")


def waiting() -> timeseries.Panel:
    return _gauge_against_maximum(
        "waiting", "Requests in the gateways' queues, and how many fit; beyond that, requests are rejected."
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
        "CPU usage against CPU request",
        "CPU used, as a share of the CPU that the pods request: what CPU-based autoscaling acts on.",
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
        graph("Replicas", "Ready replicas, and how many are desired.", "none", queries)
        .decimals(0)
        .line_interpolation(common.LineInterpolation.STEP_AFTER)
    )


def metric_against_target() -> timeseries.Panel:
    matching = "namespace, horizontalpodautoscaler, metric_name, metric_target_type"
    return (
        graph(
            "Autoscaler metric against target",
            "The metric that each autoscaler acts on, as a share of its target: above 100 % it scales up.",
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
        .thresholds(thresholds((None, "green"), (1, "orange")))
        .thresholds_style(threshold_lines())
    )


def scaling_events() -> timeseries.Panel:
    return (
        graph(
            "Scaling events",
            "How often an autoscaler changed its desired number of replicas.",
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
            "1 while every gateway can reach the runtime, and while the runtime lists the model.",
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
            "Restarts of the platform's containers: crashes, out-of-memory kills, failed liveness probes.",
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
