"""The production images of a rollout, each in two versions that differ in a label alone."""

import os

from dev import FixableError, configuration
from dev.doctor.choice import ENGINES
from dev.gitops import artifacts
from dev.tilt import sources

VERSIONS = ("before", "after")
Images = dict[str, tuple[str, str]]
"""Of each workload whose image is built here, the one before its change and the one after it."""


def push(engine: str) -> Images:
    """Build the images and push them to the cluster's registry; an Ollama's image is not built here.

    Raises:
        FixableError: Docker failed, or both versions are one.
    """
    values = configuration.parse(configuration.given(configuration.from_file(), os.environ))
    arguments = sources.build_arguments(values, sources.images(values))
    names = ["llm-api", *(["llm-runtime"] if ENGINES[engine].embedded else [])]
    found: Images = {}
    for name in names:
        before, after = (_reference(name, arguments, version) for version in VERSIONS)
        if before == after:
            raise FixableError(f"both versions of {name} are {before}, which changes nothing")
        found[name] = (before, after)
    return found


def _reference(name: str, arguments: dict[str, str], version: str) -> str:
    image = artifacts.push_image(name, arguments, f"rollout-{version}", {"rollout": version})
    return f"{image['repository']}@{image['digest']}"
