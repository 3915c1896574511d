"""Changes of objects that last as long as a block, or until the next drill if this one is killed.

What an object had before is kept in a ConfigMap until it has it again.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from kubernetes.client.exceptions import ApiException

from dev.fault.kube import Kind, Ref
from dev.load.cluster import CALL_SECONDS
from dev.settings import NAMESPACE

NAME = "llm-drill"
KEY = "before"

Record = tuple[Ref, tuple[str, ...], Any]
"""An object, the path of one of its fields, and what that had before: None if it was not there."""


class Objects(Protocol):
    """What is needed of Kube."""

    core: Any

    def read(self, ref: Ref) -> dict[str, Any]: ...
    def merge(self, ref: Ref, change: dict[str, Any]) -> None: ...


class Changes:
    """The changes of a drill, the latest of which is undone first."""

    def __init__(self, kube: Objects) -> None:
        self._kube = kube
        self._records: list[Record] = []

    @contextmanager
    def during(self, ref: Ref, path: Sequence[str], value: Any) -> Iterator[None]:
        """Have a field replaced during the block; it must be a list, or a plain value."""
        before: Any = self._kube.read(ref)
        for name in path:
            before = (before or {}).get(name)
        self._records.append((ref, tuple(path), before))
        self._save()
        try:
            self._kube.merge(ref, nested(path, value))
            yield
        finally:
            self._undo()

    def undo_earlier(self) -> int:
        """Undo what a drill left that was killed, and return how many changes these were."""
        try:
            found = self._kube.core.read_namespaced_config_map(NAME, NAMESPACE, _request_timeout=CALL_SECONDS)
        except ApiException as error:
            if error.status == 404:
                return 0
            raise
        kept = json.loads(found.data[KEY])
        self._records = [(Ref(Kind(*kind), *rest), tuple(path), old) for (kind, *rest), path, old in kept]
        for _ in kept:
            self._undo()
        return len(kept)

    def _undo(self) -> None:
        ref, path, before = self._records[-1]
        self._kube.merge(ref, nested(path, before))
        self._records.pop()
        self._save()

    def _save(self) -> None:
        """Write the records down; without any, there is no ConfigMap."""
        core = self._kube.core
        if not self._records:
            core.delete_namespaced_config_map(NAME, NAMESPACE, _request_timeout=CALL_SECONDS)
            return
        body = {"metadata": {"name": NAME}, "data": {KEY: json.dumps(self._records)}}
        try:
            core.replace_namespaced_config_map(NAME, NAMESPACE, body, _request_timeout=CALL_SECONDS)
        except ApiException as error:
            if error.status != 404:
                raise
            core.create_namespaced_config_map(NAMESPACE, body, _request_timeout=CALL_SECONDS)


def nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return the merge patch that sets the field."""
    for name in reversed(path):
        value = {name: value}
    patch: dict[str, Any] = value
    return patch
