"""`python -m bench`: start the servers, measure, compare with the goals, and keep the raw figures.

Exit status: 0 all goals are met, 1 one is missed, 2 nothing could be measured, 130 stopped.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import envoy, litellm, packages, peers_report, record, report, run, servers, targets
from bench.goals import DIRECT, FLOOR, GATEWAY, PEER
from bench.harness import Harness, command
from bench.options import arguments
from bench.servers import MODEL


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    return command(arguments(argv), bench)


def bench(harness: Harness) -> int:
    """Measure and judge; return the exit status."""
    options = harness.options
    raw: dict[str, Any] = record.context(options)
    runtime = harness.start(servers.runtime(), beside_client=True)
    gateway = harness.start(servers.gateway(runtime.url, options.log_level))
    canned = harness.start(servers.canned())
    raw["ceiling"], _ = harness.measure(run.ceiling(canned, options.clients))
    print(f"the load generator makes {raw['ceiling']:.0f} calls/s to a server that does nothing")
    print(f"the gateway is process {gateway.process}", flush=True)

    asked = targets.platform(runtime.url, gateway.url, MODEL)
    figures, raw["others"] = harness.measure(run.take(asked, harness))
    raw["platform"] = asdict(figures)
    findings = report.platform_findings(figures, options)
    report.show("the gateway beside the runtime alone", report.table(figures, options))
    if options.peers:
        packages.install()
        recipe, key = litellm.recipe(runtime.url)
        peers = {FLOOR: harness.start(envoy.recipe(runtime.url)), PEER: harness.start(recipe)}
        urls = {DIRECT: runtime.url, GATEWAY: gateway.url}
        urls |= {name: server.url for name, server in peers.items()}
        asked = targets.beside_peers(urls, MODEL, key)
        figures, raw["others_beside_peers"] = harness.measure(run.take(asked, harness))
        raw["peers"] = asdict(figures)
        report.show("chat: the gateway beside Envoy and the LiteLLM proxy", report.table(figures, options))
        load, raw["others_under_load"] = harness.measure(run.take_load(asked, harness))
        raw["load"] = asdict(load)
        report.show("chat: the same under load", peers_report.load_table(load, options))
        findings += peers_report.findings(figures, load, options)

    raw["goals"] = [asdict(finding) | {"met": finding.met} for finding in findings]
    report.show("goals: median of the rounds (and their quartiles)", map(str, findings))
    print(f"{report.disturbance(raw)}\nraw figures: {record.write(raw, options.out)}")
    return 0 if all(finding.met for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
