"""What the charts refuse to render, with the fix: after helm has applied half of it would be too late."""

import pytest

from tests.charts.helm import Refusal

DIGEST = "image.digest=sha256:" + "0" * 64
IMAGE = "image.repository=registry.example/llm"


@pytest.mark.parametrize(
    ("chart", "settings", "problem", "fix"),
    [
        ("llm-api", [], "image.repository is empty", "--set image.repository=REGISTRY/NAME"),
        ("llm-runtime", ["engine=llamacpp"], "image.repository is empty", "build and push the image"),
        ("llm-runtime", ["engine=simulated", DIGEST], "image.repository is empty", "build and push"),
        ("llm-api", [IMAGE, "production=true"], "image.digest is empty", "--set image.digest=sha256:"),
        ("llm-runtime", ["production=true"], "image.digest is empty", "--set image.digest=sha256:"),
        (
            "llm-api",
            [IMAGE, DIGEST, "production=true", "apiKeys.create={a}"],
            "apiKeys.create has keys",
            "--set apiKeys.existingSecret=NAME",
        ),
        ("llm-api", [IMAGE, "httpRoute.enabled=true"], "names no Gateway", "httpRoute.enabled=false"),
        ("llm-runtime", ["httpRoute.enabled=true"], "names no Gateway", "httpRoute.enabled=false"),
        (
            "llm-api",
            [
                IMAGE,
                "httpRoute.enabled=true,httpRoute.parentRefs[0].name=a,settings.requestTimeoutSeconds=null",
            ],
            "settings.requestTimeoutSeconds, which is null",
            "set one of them",
        ),
        ("llm-runtime", ["engine=llamacpp,gpu.count=1", IMAGE], "asks for a GPU", "--set engine=ollama"),
        (
            "llm-runtime",
            ["engine=simulated,gpu.resourceClaimTemplate=one", IMAGE],
            "asks for a GPU",
            "no gpu.resourceClaimTemplate",
        ),
        ("llm-runtime", ["autoscaling.minReplicas=0"], "no CPU usage to scale on", "autoscaling.mode=queue"),
        ("llm-runtime", ["persistence.existingClaim=mine"], "may be 2 replicas", "autoscaling.maxReplicas=1"),
        (
            "llm-runtime",
            ["persistence.existingClaim=mine,autoscaling.mode=none,replicas=3"],
            "may be 3 replicas",
            "persistence.accessModes={ReadWriteMany}",
        ),
    ],
)
def test_a_combination_that_cannot_work_is_refused_with_its_fix(
    refusal: Refusal, chart: str, settings: list[str], problem: str, fix: str
) -> None:
    reason = refusal(chart, *settings)
    assert problem in reason
    assert "\n  fix: " in reason
    assert fix in reason


@pytest.mark.parametrize(
    ("chart", "setting"),
    [
        ("llm-api", "podLabels.app\\.kubernetes\\.io/name=other"),
        ("llm-api", "httpRoute.timeouts.request=20"),
        ("llm-api", "httpRoute.parentRefs[0].namespace=a"),
        ("llm-api", "httpRoute.paths={v1}"),
        ("llm-api", "topologySpreadConstraints[0].topologyKey=zone"),
        ("llm-api", "networkPolicy.from[0].pod=a"),
        ("llm-api", "networkPolicy.pullFrom={}"),
        ("llm-runtime", "gpu.count=-1"),
        ("llm-runtime", "gpu.count=1,gpu.resourceClaimTemplate=one"),
        ("llm-runtime", "gpu.resource=gpu"),
        ("llm-runtime", "persistence.size=4GB"),
        ("llm-runtime", "persistence.accessModes={RWO}"),
        ("llm-runtime", "ollama.caCertificates=a"),
    ],
)
def test_the_schema_refuses_the_rest(refusal: Refusal, chart: str, setting: str) -> None:
    assert "schema" in refusal(chart, IMAGE, setting)
