"""The Job and its ConfigMap have what the run needs, and no more rights than it needs."""

import re
from typing import Any

from dev.load.job import IMAGE, SCENARIOS, SCRIPTS, Run, config_map, job
from dev.settings import NAMESPACE

RUN = Run("ramp", {"RATE": "4", "BASE_URL": "http://llm-api.llm:8000"})


def pod() -> dict[str, Any]:
    found: dict[str, Any] = job("llm-load-x", RUN)["spec"]["template"]["spec"]
    return found


def test_name_image_script_and_settings_are_filled_in() -> None:
    manifest = job("llm-load-x", RUN, "mirror.example/grafana/k6:1.8.1")
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    assert manifest["metadata"] == {**manifest["metadata"], "name": "llm-load-x", "namespace": NAMESPACE}
    assert container["image"] == "mirror.example/grafana/k6:1.8.1"
    assert container["args"][-1] == "/scripts/ramp.js"
    assert {"name": "RATE", "value": "4"} in container["env"]
    assert pod()["volumes"][0]["configMap"]["name"] == "llm-load-x"


def test_one_manifest_does_not_leak_into_the_next() -> None:
    job("first", Run("soak", {"MODEL": "m"}))
    assert "MODEL" not in {entry["name"] for entry in pod()["containers"][0]["env"]}


def test_it_runs_without_rights_and_ends_by_itself() -> None:
    spec, container = job("x", RUN)["spec"], pod()["containers"][0]
    assert spec["backoffLimit"] == 0
    assert spec["ttlSecondsAfterFinished"] > 0
    assert pod()["securityContext"]["runAsNonRoot"]
    assert not pod()["automountServiceAccountToken"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}


def test_the_image_is_pinned_to_a_version() -> None:
    assert re.fullmatch(r"grafana/k6:\d+\.\d+\.\d+", IMAGE)


def test_every_scenario_is_a_script_that_the_config_map_carries_with_its_imports() -> None:
    data = config_map("x")["data"]
    assert {f"{name}.js" for name in (*SCENARIOS, "autoscale", "rollout", "lib", "summary")} == set(data)
    for text in data.values():
        assert set(re.findall(r"from '\./([^']+)'", text)) <= set(data)
    assert all(path.stat().st_size < 100_000 for path in SCRIPTS.glob("*.js"))
