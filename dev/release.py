"""Package the charts at the version of a tag and push them to a registry.

    make release TAG=v1.2.3 CHARTS=oci://registry.example/charts IMAGES=images

IMAGES is a folder with a file for each image of this project, llm-api and llm-runtime, that holds
REPOSITORY@DIGEST as it was pushed. Into out/release/ go the packages; the images as values, a file for each;
charts.txt with the references of the pushed charts, for signing; and notes.md, which is also printed.
"""

import re
import subprocess
from pathlib import Path

import yaml

from dev import FixableError
from dev.doctor import tools
from dev.options import Parser
from dev.settings import ROOT

CHARTS = ("charts/llm-api", "charts/llm-runtime", "monitoring")
# The values beside each image: without its engine, llm-runtime would start Ollama's command in our image.
VALUES: dict[str, dict[str, str]] = {"llm-api": {}, "llm-runtime": {"engine": "llamacpp"}}
OUTPUT = ROOT / "out/release"
NOTES = """\
Charts:

{charts}

Images, by digest, as values (the runtime's is for the engine llamacpp; Ollama's is the default):

```yaml
{values}```
"""


def parse_version(tag: str) -> str:
    """Return the version of a tag: 1.2.3 for v1.2.3.

    Raises:
        FixableError: the tag is not `v` and a semantic version (semver.org), without build metadata, which a
            registry's tags cannot hold.
    """
    number = r"(0|[1-9]\d*)"
    part = rf"({number}|\d*[A-Za-z-][0-9A-Za-z-]*)"
    found = re.fullmatch(rf"v({number}\.{number}\.{number}(-{part}(\.{part})*)?)", tag, re.ASCII)
    if found is None:
        raise FixableError(f"TAG={tag} is not a version", "TAG=v1.2.3, or v1.2.3-rc.1")
    return found[1]


def read_image(file: Path) -> dict[str, str]:
    """Return the chart value `image` for the image that a file names.

    Raises:
        FixableError: there is no such file, or it holds something else.
    """
    fix = f"write REPOSITORY@sha256:... of the pushed image {file.name} into {file}"
    try:
        text = file.read_text().strip()
    except OSError as error:
        raise FixableError(f"{file}: {error.strerror}", fix) from None
    found = re.fullmatch(r"([a-z0-9][a-z0-9._:/-]*)@(sha256:[0-9a-f]{64})", text)
    if found is None:
        raise FixableError(f"{file} holds {text!r}, which is no image with its digest", fix)
    return {"repository": found[1], "digest": found[2]}


def helm(*arguments: str) -> str:
    """Return what helm prints on either stream.

    Raises:
        FixableError: helm failed.
    """
    done = subprocess.run(
        [tools.path("helm"), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FixableError(f"helm {arguments[0]} failed: {done.stdout.strip()}")
    return done.stdout


def push(chart: str, version: str, registry: str, *options: str) -> str:
    """Package a chart, push it, and return its reference for signing: REPOSITORY@DIGEST.

    Raises:
        FixableError: helm failed.
    """
    helm("package", chart, f"--version={version}", f"--app-version={version}", f"--destination={OUTPUT}")
    name = yaml.safe_load((ROOT / chart / "Chart.yaml").read_text())["name"]
    output = helm("push", str(OUTPUT / f"{name}-{version}.tgz"), registry, *options)
    digest = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", output, re.MULTILINE)
    if digest is None:
        raise FixableError(f"helm push printed no digest: {output.strip()}")
    return f"{registry.removeprefix('oci://')}/{name}@{digest[1]}"


def write_values(images: dict[str, dict[str, str]]) -> str:
    """Write the values of each chart that uses an image of this project; return all of them as text."""
    text = ""
    for name, image in images.items():
        values = yaml.safe_dump({**VALUES[name], "image": image}, sort_keys=False)
        (OUTPUT / f"{name}.yaml").write_text(values)
        text += f"# {name}.yaml\n{values}"
    return text


def main(argv: list[str]) -> int:
    """Release the charts and return the exit status.

    Raises:
        FixableError: an argument is wrong or missing, or helm failed.
    """
    parser = Parser("release", __doc__)
    parser.add_setting("--tag", "the version to release, such as v1.2.3", required=True)
    parser.add_setting(
        "--charts", "where the charts go, such as oci://registry.example/charts", required=True
    )
    parser.add_setting("--images", "a folder that names the pushed images", type=Path, required=True)
    parser.add_argument("--plain-http", action="store_true", help="push over plain HTTP")
    options = parser.parse(argv)
    version = parse_version(options.tag)
    images = {name: read_image(options.images / name) for name in VALUES}
    registry = options.charts.rstrip("/")
    if not registry.startswith("oci://"):
        raise FixableError(f"CHARTS={options.charts} is not an OCI registry", f"CHARTS=oci://{registry}")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for old in OUTPUT.iterdir():
        old.unlink()
    how = ("--plain-http",) if options.plain_http else ()
    pushed = [push(chart, version, registry, *how) for chart in CHARTS]
    (OUTPUT / "charts.txt").write_text("".join(f"{reference}\n" for reference in pushed))
    charts = "\n".join(f"- `oci://{reference}` (version {version})" for reference in pushed)
    notes = NOTES.format(charts=charts, values=write_values(images))
    (OUTPUT / "notes.md").write_text(notes)
    print(notes, end="")
    return 0
