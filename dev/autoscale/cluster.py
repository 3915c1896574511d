"""Read autoscalers and gateways through the cluster's API server; Prometheus is not needed."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.utils.quantity import parse_quantity

from dev.autoscale.timeline import Event, Scaler
from dev.load.cluster import Api
from dev.settings import API_PORT, NAMESPACE, WORKLOADS

CALL_SECONDS = 5.0


class Cluster:
    """The state of the cluster. Every method may raise ApiException, or urllib3's HTTPError."""

    def __init__(self, api: Api) -> None:
        self._core: Api = client.CoreV1Api(api)
        self._apps: Api = client.AppsV1Api(api)
        self._autoscaling: Api = client.AutoscalingV2Api(api)

    def scalers(self) -> dict[str, Scaler]:
        """Return the autoscaler of each workload that has one."""
        found = self._autoscaling.list_namespaced_horizontal_pod_autoscaler(
            NAMESPACE, _request_timeout=CALL_SECONDS
        )
        hpas = {hpa.spec.scale_target_ref.name: hpa for hpa in found.items}
        return {
            name: scaler(hpas[name], *self._replicas(hpas[name].spec.scale_target_ref))
            for name in WORKLOADS
            if name in hpas
        }

    def _replicas(self, target: Any) -> tuple[int, int]:
        read = {
            "Deployment": self._apps.read_namespaced_deployment,
            "StatefulSet": self._apps.read_namespaced_stateful_set,
        }[target.kind]
        workload = read(target.name, NAMESPACE, _request_timeout=CALL_SECONDS)
        return workload.spec.replicas, workload.status.ready_replicas or 0

    def demand(self) -> tuple[float | None, float | None]:
        """Return the requests running and waiting in all gateways that answer; None if none does."""
        pods = self._core.list_namespaced_pod(
            NAMESPACE, label_selector="app.kubernetes.io/name=llm-api", _request_timeout=CALL_SECONDS
        ).items
        texts = [text for pod in pods if (text := self._metrics(pod))]
        if not texts:
            return None, None
        return gauge("llm_requests_running", texts), gauge("llm_requests_waiting", texts)

    def _metrics(self, pod: Any) -> str:
        """Return a gateway's /metrics; empty for a pod that is starting or ending."""
        if pod.status.phase != "Running":
            return ""
        try:
            response = self._core.connect_get_namespaced_pod_proxy_with_path(
                f"{pod.metadata.name}:{API_PORT}",
                NAMESPACE,
                "metrics",
                _preload_content=False,
                _request_timeout=CALL_SECONDS,
            )
        except ApiException:
            return ""
        return str(response.data.decode())

    def events(self, since: float) -> list[tuple[str, Event]]:
        """Return the events of the autoscalers, each with an id; `since` is in seconds since 1970."""
        found = self._core.list_namespaced_event(
            NAMESPACE,
            field_selector="involvedObject.kind=HorizontalPodAutoscaler",
            _request_timeout=CALL_SECONDS,
        ).items
        events = []
        for event in found:
            at = _time(event) - since
            if at >= 0:
                about = event.involved_object.name.removeprefix("keda-hpa-")
                events.append(
                    (f"{event.metadata.uid}/{event.count}", Event(at, about, event.reason, event.message))
                )
        return sorted(events, key=lambda pair: pair[1].at)


def _time(event: Any) -> float:
    at: datetime = event.last_timestamp or event.event_time or event.metadata.creation_timestamp
    return at.timestamp()


def gauge(name: str, texts: Iterable[str]) -> float:
    """Return the sum of a gauge's series in texts of Prometheus' exposition format."""
    series = re.compile(rf"^{name}(?:\{{[^}}]*\}})? (\S+)", re.MULTILINE)
    return sum(float(value) for text in texts for value in series.findall(text))


def scaler(hpa: Any, replicas: int, ready: int) -> Scaler:
    """Convert a HorizontalPodAutoscaler."""
    spec = hpa.spec.metrics[0]
    kind = "cpu" if spec.type == "Resource" else "queue"
    target = _value(spec)
    current = [m for m in (hpa.status.current_metrics or []) if m.type == spec.type]
    metric = _value(current[0]) if current else None
    return Scaler(
        replicas=replicas,
        ready=ready,
        minimum=hpa.spec.min_replicas or 1,
        maximum=hpa.spec.max_replicas,
        metric=metric,
        target=0.0 if target is None else target,
        kind=kind,
        inactive=_inactive(hpa),
    )


def _value(metric: Any) -> float | None:
    """Return a metric's target or current value, in percent or requests per replica."""
    source = metric.resource or metric.external
    of = getattr(source, "target", None) or source.current
    share = of.average_utilization
    if share is not None:
        return float(share)
    amount = of.average_value or of.value
    return None if amount is None else float(parse_quantity(amount))  # type: ignore[no-untyped-call]


def _inactive(hpa: Any) -> str:
    for condition in hpa.status.conditions or []:
        if condition.type in ("AbleToScale", "ScalingActive") and condition.status == "False":
            return f"{condition.reason}: {condition.message}"
    return ""
