"""`--profile`: where the gateway's time goes, for plain calls and for the tokens of streams."""

import os
import pstats
import signal
import time
from collections import defaultdict
from io import StringIO
from pathlib import Path
from typing import Any

from bench import BenchError, measure, report, run, targets
from bench.lab import Lab
from bench.servers import MODEL, gateway, runtime
from bench.targets import Target

SHOWN = 40
SECONDS_TO_WRITE = 10.0
Key = tuple[str, int, str]  # file, line, function


def take(lab: Lab) -> int:
    """Profile both loads, print where the time goes by package, and write the whole into files.

    Raises:
        BenchError: the gateway does not answer as asked, or writes no profile.
    """
    out: Path = lab.options.out
    simulated = lab.start(runtime(), beside_client=True)
    path = (out / "profile.pstats").resolve()
    profiled = lab.start(gateway(simulated.url, lab.options.log_level, path))
    target = targets.platform(simulated.url, profiled.url, MODEL)[1]
    for what, unit in (("plain", "call"), ("streams", "token")):
        path.unlink(missing_ok=True)
        units, _ = lab.measure(load(target, lab, what, profiled.process))
        wait_for(path)
        kept = path.replace(path.with_name(f"profile-{what}.pstats"))
        words = StringIO()
        found = pstats.Stats(str(kept), stream=words)
        found.sort_stats("tottime").print_stats(SHOWN).sort_stats("cumtime").print_stats(SHOWN)
        kept.with_suffix(".txt").write_text(words.getvalue())
        lines = [f"{name:<24}{seconds / units * 1e6:9.1f}" for name, seconds in by_package(found)]
        report.show(f"{what}: microseconds of a {unit} by package, under cProfile", lines)
        print(f"the whole: {kept.with_suffix('.txt')}, and for snakeviz and the like {kept}")
    return 0


async def load(target: Target, lab: Lab, what: str, process: int) -> int:
    """Warm the gateway up, then load it while it profiles itself; how many calls or tokens that were."""
    options = lab.options
    await run.warm_up(target, options)
    os.kill(process, signal.SIGUSR1)
    if what == "plain":
        units, _ = await measure.throughput(target, options.clients, options.seconds, options.answer)
    else:
        await measure.token_rate(target, options.streams, options.tokens)
        units = options.streams * options.tokens
    os.kill(process, signal.SIGUSR1)
    return units


def wait_for(path: Path) -> None:
    """Until the gateway has written its profile.

    Raises:
        BenchError: it takes longer than SECONDS_TO_WRITE.
    """
    deadline = time.monotonic() + SECONDS_TO_WRITE
    while not path.exists():
        if time.monotonic() > deadline:
            raise BenchError("the gateway writes no profile")
        time.sleep(0.1)


def by_package(found: Any) -> list[tuple[str, float]]:
    """Seconds of own time by package, the most first; what is built in counts for who called it."""
    total: dict[str, float] = defaultdict(float)
    for key, (_, _, own, _, callers) in found.stats.items():
        if key[0] == "~" and callers:
            for caller, (_, _, part, _) in callers.items():
                total[package(caller)] += part
        else:
            total[package(key)] += own
    return sorted(total.items(), key=lambda item: -item[1])


def package(key: Key) -> str:
    """The package of a function, by its file."""
    path = Path(key[0])
    parts = path.parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1].removesuffix(".py")
    if key[0] == "~":
        return "built in"
    if "llm_api" in parts or path.name == "main.py":
        return "llm_api"
    # A package of the standard library by its folder, a module of it by its name.
    folder = path.parent.name
    return f"python: {path.stem if folder.startswith('python') or not folder else folder}"
