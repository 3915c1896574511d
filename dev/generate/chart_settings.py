"""The `model` and `settings` of charts/llm-api: values and schema, from the gateway's Settings class.

The chart turns each setting into an environment variable, such as `maxRunning` into LLM_MAX_RUNNING.
"""

import json
from pathlib import Path
from textwrap import wrap
from typing import Any

import yaml
from llm_api.settings import Settings

from dev.generate.marked import replace

CHART = Path(__file__).parents[2] / "charts" / "llm-api"

# Settings that the chart sets from other values.
OTHER_VALUES = {
    "runtime_url": "runtime.url",
    "runtime_balance": "runtime.balance",
    "model": "model",
    "api_keys": "apiKeys",
}
# Defaults that differ in a cluster: log collectors parse JSON, and Services forget an address with a delay.
CLUSTER_DEFAULTS = {"log_format": "json", "shutdown_quiet_seconds": 3}
# The pod's terminationGracePeriodSeconds is computed from these, which takes whole seconds and no null.
WHOLE_SECONDS = {"shutdown_grace_seconds"}

SETTINGS = """
# Each setting is an environment variable of the gateway: maxRunning is LLM_MAX_RUNNING. With null, the
# gateway uses its own default.
settings:
"""
BEGIN = "# BEGIN generated from api/llm_api/settings.py by `make generate`\n"
END = "# END generated\n"
SCHEMA_BEGIN, SCHEMA_END = '    "settings": {\n', "\n    }"


def render() -> dict[Path, str]:
    """Return both files of the chart with their generated parts renewed.

    Raises:
        ValueError: a file lacks the lines around its generated part.
    """
    properties = Settings.model_json_schema()["properties"]
    fields = {name: field for name, field in properties.items() if name not in OTHER_VALUES}
    values, schema = CHART / "values.yaml", CHART / "values.schema.json"
    return {
        values: replace(
            values.read_text(), BEGIN, END, _model(properties["model"]) + SETTINGS + _values(fields)
        ),
        schema: replace(schema.read_text(), SCHEMA_BEGIN, SCHEMA_END, _schema(fields)),
    }


def _model(field: dict[str, Any]) -> str:
    return f"# -- {field['description']}\nmodel: {_scalar(field['default'])}\n"


def _values(fields: dict[str, Any]) -> str:
    lines = []
    for name, field in fields.items():
        comment = field["description"]
        if choices := field.get("enum"):
            comment += f": {', '.join(choices[:-1])} or {choices[-1]}"
        default = CLUSTER_DEFAULTS.get(name, field["default"])
        lines += wrap(f"-- {comment}", 110, initial_indent="  # ", subsequent_indent="  # ")
        lines.append(f"  {_camel_case(name)}: {_scalar(default)}")
    return "\n".join(lines) + "\n"


def _scalar(value: object) -> str:
    """Return a value as YAML on one line, a text in quotes only where it needs them."""
    return yaml.safe_dump(value, width=1_000_000).splitlines()[0]


def _schema(fields: dict[str, Any]) -> str:
    properties = ",\n".join(
        f'        "{_camel_case(name)}": {{ {json.dumps(_property(name, field))[1:-1]} }}'
        for name, field in fields.items()
    )
    required = json.dumps([_camel_case(name) for name in fields if name in WHOLE_SECONDS])
    return (
        '      "$comment": "Generated from api/llm_api/settings.py by `make generate`",\n'
        '      "type": "object",\n'
        '      "additionalProperties": false,\n'
        f'      "required": {required},\n'
        f'      "properties": {{\n{properties}\n      }}'
    )


def _property(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one value; null leaves the setting to the gateway's own default."""
    (given,) = [part for part in field.get("anyOf", [field]) if part["type"] != "null"]
    rules = {
        key: rule for key, rule in given.items() if key not in ("title", "description", "default", "type")
    }
    if "enum" in rules:
        return {"enum": [*rules["enum"], None]}
    kind = "integer" if name in WHOLE_SECONDS else [given["type"], "null"]
    return {"type": kind, **rules}


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
