"""The objects of a cluster, as the drill and the rollout read and change them."""

import copy
from types import SimpleNamespace
from typing import Any

from kubernetes.client.exceptions import ApiException

from dev.fault.kube import AUTOSCALER, GATEWAY, MONITOR, PROMETHEUS, RULE, RUNTIME, Kind, Ref

RULES = ("objectives", "platform")


def workload(**env: str) -> dict[str, Any]:
    variables = [{"name": name, "value": value} for name, value in env.items()]
    secret = {"name": "LLM_API_KEYS", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "api-keys"}}}
    container = {"name": "c", "image": "i", "env": [*variables, secret]}
    return {"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}}


class FakeCluster:
    """The objects of a cluster, and a client of its ConfigMaps."""

    def __init__(
        self, engine: str = "simulated", autoscalers: tuple[str, ...] = ("llm-api", "llm-runtime")
    ) -> None:
        self.core = self
        self.maps: dict[str, Any] = {}
        self.store: dict[Ref, dict[str, Any]] = {
            GATEWAY: workload(LLM_MAX_RUNNING="2"),
            RUNTIME: workload(RUNTIME_ENGINE=engine),
            Ref(PROMETHEUS, "monitoring", "p"): {"spec": {}},
            Ref(MONITOR, "llm", "llm-api"): {"spec": {"endpoints": [{"port": "http", "interval": "5s"}]}},
            Ref(MONITOR, "monitoring", "kps-kube-state-metrics"): {"spec": {"endpoints": [{"port": "http"}]}},
            Ref(MONITOR, "monitoring", "kps-kubelet"): {"spec": {"endpoints": [{"port": "https"}]}},
        }
        for name in RULES:
            self.store[Ref(RULE, "monitoring", f"llm-{name}")] = {"spec": {"groups": [{"name": "g"}]}}
        for name in autoscalers:
            self.store[Ref(AUTOSCALER, "llm", name)] = {"spec": {"minReplicas": 1, "maxReplicas": 3}}
        for ref, found in self.store.items():
            found["metadata"] = {"name": ref.name, "namespace": ref.namespace}

    def read(self, ref: Ref) -> dict[str, Any]:
        return copy.deepcopy(self.store[ref])

    def objects(self, kind: Kind, namespace: str) -> list[dict[str, Any]]:
        return [self.read(ref) for ref in self.store if (ref.kind, ref.namespace) == (kind, namespace)]

    def merge(self, ref: Ref, change: dict[str, Any]) -> None:
        def into(target: dict[str, Any], patch: dict[str, Any]) -> None:
            for name, value in patch.items():
                if isinstance(value, dict):
                    into(target.setdefault(name, {}), value)
                elif value is None:
                    target.pop(name, None)
                else:
                    target[name] = copy.deepcopy(value)

        into(self.store[ref], change)

    def read_namespaced_config_map(self, name: str, namespace: str, **_: Any) -> Any:
        if name not in self.maps:
            raise ApiException(status=404)
        return SimpleNamespace(data=self.maps[name]["data"])

    def replace_namespaced_config_map(self, name: str, namespace: str, body: Any, **_: Any) -> None:
        self.read_namespaced_config_map(name, namespace)
        self.maps[name] = body

    def create_namespaced_config_map(self, namespace: str, body: Any, **_: Any) -> None:
        self.maps[body["metadata"]["name"]] = body

    def delete_namespaced_config_map(self, name: str, namespace: str, **_: Any) -> None:
        del self.maps[name]
