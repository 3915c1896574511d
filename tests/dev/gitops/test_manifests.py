"""What Argo CD is given."""

import json

import yaml

from dev.gitops import manifests
from dev.gitops.manifests import Release

OLD, NEW = Release("llm-api", "0.1.0-h1", '{"a": 1}'), Release("llm-api", "0.1.0-h2", '{"a": "x: {{y}}"}')


def test_the_project_admits_the_two_charts_of_the_registry_into_the_platforms_namespace_alone() -> None:
    spec = manifests.project()["spec"]
    urls = {secret["stringData"]["url"] for secret in manifests.repositories()}
    assert set(spec["sourceRepos"]) == urls
    assert urls == {f"oci://llm-registry:5000/charts/{chart}" for chart in ("llm-api", "llm-runtime")}
    assert [destination["namespace"] for destination in spec["destinations"]] == ["llm"]
    assert spec["clusterResourceWhitelist"] == []


def test_a_repository_is_of_the_one_kind_that_argo_cd_asks_over_plain_http() -> None:
    for secret in manifests.repositories():
        assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "repository"
        assert (secret["stringData"]["type"], secret["stringData"]["insecureOCIForceHttp"]) == ("oci", "true")


def test_what_is_taken_out_is_removed_and_what_is_changed_by_hand_is_healed() -> None:
    template = manifests.application_set([NEW])["spec"]["template"]
    assert template["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert template["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def test_an_application_set_remembers_the_releases_before() -> None:
    made = json.loads(json.dumps(manifests.application_set([NEW], [OLD])))
    assert manifests.releases(made) == ([NEW], [OLD])
    assert manifests.releases(manifests.application_set([OLD])) == ([OLD], [])


def test_values_are_text_that_helm_reads_as_they_were() -> None:
    values = {"image": {"digest": "sha256:0"}, "text": "a: {b}\n"}
    assert yaml.safe_load(manifests.release("llm-api", "1", values).values) == values
