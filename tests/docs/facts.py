"""What exists in the code and in running services, to compare documents with."""

import fnmatch
import importlib.util
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import llm_api.settings
import llm_runtime.settings
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel

from dev.generate import clients
from tests.monitoring.queries import DASHBOARDS, panels, rules
from tests.processes import PLAIN
from tests.waiting import SECONDS

ROOT = Path(__file__).parents[2]
CHARTS = [ROOT / "monitoring", *sorted((ROOT / "charts").glob("llm-*"))]
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["", "_bucket", "_sum", "_count"]}


def files() -> list[str]:
    """Return the repository's files, relative to its root; what git ignores does not count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=SECONDS
    ).stdout
    return [name for name in listed.splitlines() if (ROOT / name).exists()]


def is_path(name: str, tree: list[str]) -> bool:
    """Whether it is a file, a folder, or a pattern that matches a file.

    A lone `folder/` may be anywhere, and a module may be named by the end of its path: `upstream/client`.
    """
    below = name.rstrip("/") + "/"
    if name == below and name.count("/") == 1:
        return any(f"/{below}" in f"/{file}" for file in tree)
    return any(
        file.startswith(below) or file.endswith(f"/{name}.py") or fnmatch.fnmatchcase(file, name)
        for file in tree
    )


def is_file(name: str, tree: list[str]) -> bool:
    return any(Path(file).name == name for file in tree)


def is_module(name: str) -> bool:
    """Whether `python -m NAME` finds something to run."""
    try:
        found = importlib.util.find_spec(name)
        if found and found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError:
        return False
    return found is not None


def is_object(name: str) -> bool:
    """Whether a chart creates this object, named `deploy/NAME` or `sts/NAME` as for kubectl."""
    short, _, chart = name.partition("/")
    kind = {"deploy": "Deployment", "sts": "StatefulSet"}[short]
    templates = (ROOT / "charts" / chart / "templates").glob("*.yaml")
    return any(f"kind: {kind}\n" in template.read_text() for template in templates)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def chart_values() -> set[str]:
    """Return every value of every chart, from its defaults and its schema, such as `image.tag`."""
    found: set[str] = set()
    for chart in CHARTS:
        found.update(_defaults(yaml.safe_load((chart / "values.yaml").read_text())))
        schema = json.loads((chart / "values.schema.json").read_text())
        found.update(_properties(schema, schema))
    return found


def request_fields() -> set[str]:
    """Return the paths of the fields in requests, which look like values of charts."""
    return {row.field.split("`")[1] for rows in clients.decisions().values() for row in rows}


def _defaults(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from _defaults(value, f"{prefix}{name}.")


def _properties(node: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    if "$ref" in node:
        node = schema["definitions"][node["$ref"].removeprefix("#/definitions/")]
    for name, child in node.get("properties", {}).items():
        yield prefix + name
        yield from _properties(child, schema, f"{prefix}{name}.")


def variables() -> set[str]:
    """Return the environment variables that the services' settings read."""
    gateway = {f"LLM_{name}" for name in _fields(llm_api.settings.Settings)}
    return gateway | {f"RUNTIME_{name}" for name in _fields(llm_runtime.settings.Settings)}


def _fields(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name.upper()}_{inner}" for inner in _fields(field.annotation))


def code(tree: list[str]) -> str:
    """Return the text of all files but documents, pictures and tests."""
    kept = (name for name in tree if not name.endswith((".md", ".png")) and not name.startswith("tests/"))
    return "\n".join((ROOT / name).read_text() for name in kept)


def alerts() -> set[str]:
    """Return the alerts' names and those of their runbooks' sections, which several alerts may share."""
    found = [rule for rule in rules() if "alert" in rule]
    sections = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in found}
    runbooks = re.findall(r"^## (\w+)$", (ROOT / "docs/runbooks.md").read_text(), re.MULTILINE)
    return {rule["alert"] for rule in found} | {name for name in runbooks if name.lower() in sections}


def panel_titles() -> set[str]:
    return {panel["title"] for path in DASHBOARDS for panel in panels(path)}


def metrics(*services: str) -> set[str]:
    """Return the metrics that running services export, that rules record, and that others export."""
    table = yaml.safe_load((ROOT / "monitoring/metrics.yaml").read_text())
    found = {name for names in table.values() for name in names}
    found |= {rule["record"] for rule in rules() if "record" in rule}
    for address in services:
        for family in text_string_to_metric_families(httpx.get(f"{address}/metrics", trust_env=False).text):
            found |= {family.name + suffix for suffix in SUFFIXES[family.type]}
    return found


def is_http_path(path: str, *services: str) -> bool:
    """Whether a running service has a route at this path, with any method."""
    found = (httpx.get(address + path, trust_env=False, verify=PLAIN) for address in services)
    return any(response.status_code != 404 for response in found)
