"""Run one of the developer's commands; `python -m dev VERB --help` has its options."""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from dev import FixableError
from dev.proxy import exempt_loopback

# Each module has `main(argv: list[str]) -> int`, which returns the exit status. It is imported only when its
# verb is asked for: `ask` need not wait for what `load` imports.
VERBS = {
    "up": ("dev.up.start", "start the platform, in a cluster or as two processes"),
    "down": ("dev.up.down", "remove what `up` created"),
    "doctor": ("dev.doctor.report", "check this machine, with a fix for each problem"),
    "ask": ("dev.gateway.ask", "stream one answer from the gateway"),
    "smoke": ("dev.gateway.smoke", "check the running gateway"),
    "load": ("dev.load.command", "put load on the gateway with k6"),
    "fault": ("dev.fault.command", "inject a fault, and check alert, answers and recovery"),
    "soak": ("dev.soak.command", "load for an hour with random faults: no growth, every request counted"),
    "autoscale": ("dev.autoscale.command", "prove that both autoscalers act"),
    "rollout": ("dev.rollout.command", "prove that rolling restarts lose no request"),
    "policies": (
        "dev.policies.command",
        "prove that the NetworkPolicies let through what they must, and no more",
    ),
    "gitops": ("dev.gitops.command", "let Argo CD install the platform, and prove what it does"),
    "nodes": ("dev.nodes.command", "drain and kill a node under load, and judge what became of the requests"),
    "lint": ("dev.lint", "run the linters and the type checker"),
    "generate": ("dev.generate", "write the generated files"),
    "release": ("dev.release", "package the charts and push them"),
    "ci-cluster": ("dev.up.ci", "start the platform, test it, and remove it"),
    "https": ("dev.https.command", "install the Gateway and its certificate; Tilt runs it"),
    "tilt": ("dev.tilt.plan", "answer the Tiltfile: `tilt settings`, `tilt plan`"),
}


def main(argv: Sequence[str]) -> int:
    """Run a verb and return its exit status: 1 for an error that was reported, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m dev", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, (_, description) in VERBS.items():
        verbs.add_parser(verb, help=description, add_help=False)
    module, _ = VERBS[parser.parse_args(argv[:1]).verb]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a model's text may not fit the terminal's encoding
    exempt_loopback(os.environ)
    try:
        return int(importlib.import_module(module).main(list(argv[1:])))
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
