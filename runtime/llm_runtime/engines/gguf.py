"""Reads what a GGUF file says about its model, without loading it."""

import hashlib
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
# llama.cpp's enum llama_ftype, the names that are met with.
QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    32: "BF16",
}  # fmt: skip


class GgufError(Exception):
    """The file is not a GGUF file that this can read."""


class Gguf:
    """The facts in the head of a GGUF file. Raises GgufError or OSError if it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        with path.open("rb") as file:
            try:
                self._parse(file)
            except (struct.error, KeyError, UnicodeDecodeError) as broken:
                raise GgufError(f"{path} is cut short or damaged") from broken
            length = file.tell()
            file.seek(0)
            # The head names every tensor and its place: it stands for the file, and is quick to hash.
            self.digest = hashlib.sha256(file.read(length)).hexdigest()

    def _parse(self, file: BinaryIO) -> None:
        if file.read(4) != b"GGUF":
            raise GgufError(f"{file.name} is not a GGUF file")
        version, tensors, pairs = _unpack(file, "IQQ")
        if version not in (2, 3):
            raise GgufError(f"{file.name} has GGUF version {version}, not 2 or 3")
        self.facts: dict[str, Any] = {}
        for _ in range(pairs):
            key = _string(file)
            self.facts[key] = _value(file, _unpack(file, "I")[0])
        self.parameters = 0
        for _ in range(tensors):
            _string(file)
            (dimensions,) = _unpack(file, "I")
            self.parameters += math.prod(_unpack(file, "Q" * dimensions))
            _unpack(file, "IQ")

    @property
    def context_length(self) -> int:
        """Tokens of context that the model was trained for."""
        return int(self.facts.get(f"{self._architecture}.context_length", 0))

    @property
    def details(self) -> dict[str, Any]:
        """The details as Ollama's API has them."""
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self._architecture,
            "families": [self._architecture],
            "parameter_size": _in_words(self.parameters),
            "quantization_level": QUANTIZATIONS.get(self.facts.get("general.file_type", -1), "unknown"),
            "context_length": self.context_length,
            "embedding_length": int(self.facts.get(f"{self._architecture}.embedding_length", 0)),
        }

    @property
    def _architecture(self) -> str:
        return str(self.facts.get("general.architecture", "unknown"))


def _in_words(count: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            return f"{count / size:.2f}{unit}"
    return str(count)


def _unpack(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    layout = f"<{layout}"
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _string(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    return file.read(length).decode()


def _value(file: BinaryIO, kind: int) -> Any:
    """One value; None for an array, which is read over."""
    if kind == STRING:
        return _string(file)
    if kind != ARRAY:
        return _unpack(file, SCALARS[kind])[0]
    inner, length = _unpack(file, "IQ")
    if inner in SCALARS:
        file.seek(length * struct.calcsize(SCALARS[inner]), 1)
    else:
        for _ in range(length):
            _value(file, inner)
    return None
