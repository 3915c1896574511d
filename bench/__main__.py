"""`python -m bench`: starts the servers, measures, judges, and keeps the raw figures.

Exit status: 0 every goal is met, 1 one is missed, 2 it could not be measured, 130 it was stopped.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import keep, peers, profiling, report, run, servers, targets, transports
from bench.lab import Lab, command
from bench.options import arguments
from bench.servers import MODEL


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    options = arguments(argv)
    if options.transports:
        return command(options, transports.take)
    return command(options, profiling.take if options.profile else bench)


def bench(lab: Lab) -> int:
    """Measure and judge; the exit status."""
    options = lab.options
    record: dict[str, Any] = keep.context(options)
    runtime = lab.start(servers.runtime(), beside_client=True)
    gateway = lab.start(servers.gateway(runtime.url, options.log_level))
    canned = lab.start(servers.canned())
    record["ceiling"], _ = lab.measure(run.ceiling(canned, options.clients))
    print(
        f"the load generator makes {record['ceiling']:.0f} calls/s to a server that does nothing", flush=True
    )

    asked = targets.platform(runtime.url, gateway.url, MODEL)
    figures, record["others"] = lab.measure(run.take(asked, lab))
    record["platform"] = asdict(figures)
    findings = report.platform_findings(figures, options)
    report.show("the gateway beside the runtime alone", report.table(figures, options))
    if options.peers:
        recipe, key = peers.litellm(options.out, runtime.url)
        peer = lab.start(recipe)
        asked = targets.beside_peer(runtime.url, gateway.url, peer.url, MODEL, key)
        figures, record["others_beside_peer"] = lab.measure(run.take(asked, lab))
        record["peer"] = asdict(figures)
        findings += report.peer_findings(figures, options)
        report.show("chat: the gateway beside the LiteLLM proxy", report.table(figures, options))

    record["goals"] = [asdict(finding) | {"met": finding.met} for finding in findings]
    report.show("goals: median of the rounds (and their quartiles)", map(str, findings))
    print(report.disturbance(record), f"\nraw figures: {keep.write(record, options.out)}", sep="")
    return 0 if all(finding.met for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
