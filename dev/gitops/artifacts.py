"""What Argo CD installs: the images and the charts, pushed to the cluster's registry."""

import hashlib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from dev import FixableError, release
from dev.gitops.manifests import CHARTS, Release
from dev.gitops.manifests import release as make_release
from dev.load import job
from dev.settings import IMAGES, REGISTRY_PORT, ROOT, Values
from dev.tilt import sources

HOST = f"localhost:{REGISTRY_PORT}"


def run(*command: str) -> str:
    """Return the output of a program; its errors are the terminal's.

    Raises:
        FixableError: it failed, or there is no such program.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True, check=False
        )
    except OSError as error:
        raise FixableError(f"{command[0]} did not start: {error}", "make doctor") from error
    if done.returncode:
        raise FixableError(f"`{shlex.join(command)}` failed; its errors are above")
    return done.stdout


def push_image(
    name: str, arguments: Mapping[str, str], tag: str, labels: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """Build the production image of a service, push it, and return it as the chart's value `image`.

    Raises:
        FixableError: Docker failed.
    """
    reference = f"{HOST}/{name}:{tag}"
    given = [part for key, value in arguments.items() for part in ("--build-arg", f"{key}={value}")]
    given += [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    dockerfile = f"{IMAGES[name]}/Dockerfile"
    build = ("build", "--quiet", "--file", dockerfile, "--target", "prod", "--tag", reference)
    run("docker", *build, *given, ".")
    found = re.search(r"digest: (sha256:[0-9a-f]{64})", run("docker", "push", reference))
    if found is None:
        raise FixableError(f"`docker push {reference}` printed no digest")
    return {"repository": f"{HOST}/{name}", "digest": found[1]}


def version(chart: str) -> str:
    """Return the version of a chart as it is in this folder: the same files, the same version."""
    folder, digest = ROOT / "charts" / chart, hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    # Letters alone would be no number with a leading zero, which a version must not have.
    base = yaml.safe_load((folder / "Chart.yaml").read_text())["version"]
    return f"{base}-h{digest.hexdigest()[:12]}"


def push(values: Values) -> list[Release]:
    """Push images and charts, and return the releases of this folder.

    Raises:
        FixableError: Docker or helm failed.
    """
    arguments = sources.build_arguments(values, sources.images(values))
    release.OUTPUT.mkdir(parents=True, exist_ok=True)
    found = []
    for chart in CHARTS:
        image = push_image(chart, arguments, "gitops")
        release.push(f"charts/{chart}", version(chart), f"oci://{HOST}/charts", "--plain-http")
        found.append(make_release(chart, version(chart), chart_values(chart, values) | {"image": image}))
    return found


def chart_values(chart: str, values: Values) -> dict[str, Any]:
    """Return the values of a chart: as in production, as far as one small node holds it."""
    common = {
        "production": True,
        "autoscaling": {"minReplicas": 2, "maxReplicas": 3},
        "networkPolicy": {"enabled": True},
    }
    if chart == "llm-api":
        settings = {"shutdownGraceSeconds": 30, "shutdownQuietSeconds": 3}
        return common | {
            "model": values["model"],
            "settings": settings,
            "podDisruptionBudget": {"enabled": True},
            "networkPolicy": {"enabled": True, "from": [{"podSelector": {"matchLabels": job.LABELS}}]},
        }
    return common | {
        "engine": values["engine"],
        "models": [{"name": values["model"]}],
        "persistence": {"enabled": False},  # the weights are in the image
        "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
    }
