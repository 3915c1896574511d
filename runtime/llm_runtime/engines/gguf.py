"""Reads the metadata of a GGUF file without loading the model.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import hashlib
import math
import struct
from pathlib import Path
from typing import Any, BinaryIO

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
# Common values of llama.cpp's enum llama_ftype.
QUANTIZATIONS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    32: "BF16",
}  # fmt: skip


class GgufError(Exception):
    """The file is not a GGUF file, or not one that this reader supports."""


class Gguf:
    """The metadata of a GGUF file, its number of parameters, and its size in bytes.

    Raises:
        GgufError: the file is not a valid GGUF file.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.size = path.stat().st_size
        with path.open("rb") as file:
            try:
                self._parse(file)
            except (struct.error, KeyError, UnicodeDecodeError) as broken:
                raise GgufError(f"{path} is truncated or damaged") from broken
            length = file.tell()
            file.seek(0)
            # The header lists every tensor with its offset: it identifies the file, and is quick to hash.
            self.digest = hashlib.sha256(file.read(length)).hexdigest()

    def _parse(self, file: BinaryIO) -> None:
        if file.read(4) != b"GGUF":
            raise GgufError(f"{file.name} is not a GGUF file")
        version, tensors, pairs = _unpack(file, "IQQ")
        if version not in (2, 3):
            raise GgufError(f"{file.name} has GGUF version {version}, not 2 or 3")
        self.metadata: dict[str, Any] = {}
        for _ in range(pairs):
            key = _string(file)
            self.metadata[key] = _value(file, _unpack(file, "I")[0])
        self.parameters = 0
        for _ in range(tensors):
            _string(file)
            (dimensions,) = _unpack(file, "I")
            self.parameters += math.prod(_unpack(file, "Q" * dimensions))
            _unpack(file, "IQ")

    @property
    def context_length(self) -> int:
        """The context length that the model was trained for, in tokens."""
        return int(self.metadata.get(f"{self._architecture}.context_length", 0))

    @property
    def details(self) -> dict[str, Any]:
        """The `details` of Ollama's API."""
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self._architecture,
            "families": [self._architecture],
            "parameter_size": _abbreviate(self.parameters),
            "quantization_level": QUANTIZATIONS.get(self.metadata.get("general.file_type", -1), "unknown"),
            "context_length": self.context_length,
            "embedding_length": int(self.metadata.get(f"{self._architecture}.embedding_length", 0)),
        }

    @property
    def _architecture(self) -> str:
        return str(self.metadata.get("general.architecture", "unknown"))


def _abbreviate(count: int) -> str:
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
    """Return one value; None for an array, which is skipped."""
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
