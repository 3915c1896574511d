"""Let Argo CD install the platform from the cluster's own registry, and prove what it does.

    make gitops                     install, and prove it
    make gitops ARGS=install        install alone; again after a change, for a new version
    make gitops ARGS=rollback       the releases before these
    make gitops ARGS=remove         the platform and Argo CD; make down removes the whole cluster
    make gitops ARGS=watch          what Argo CD says, and each change; ARGS=state asks once if all is well
    make up GITOPS=true             the same in Tilt, with the commands as buttons

Exit status: 0 proven, 1 not proven (the lines FAIL say what and why) or an error, 130 after Ctrl-C.
"""

import os
import time
from collections.abc import Mapping
from functools import partial

from dev import FixableError, configuration
from dev.autoscale.verdict import Finding
from dev.doctor import probe, tools
from dev.doctor.choice import ENGINES, choose
from dev.gitops import argo, artifacts, proof, shown
from dev.gitops.manifests import Release
from dev.load.command import stoppable
from dev.options import Parser
from dev.settings import NAMESPACE, Values
from dev.tilt import sources
from dev.up import cluster

say = partial(print, flush=True)


def settings(environment: Mapping[str, str]) -> Values:
    """Return the settings; the engine is one whose image is built here.

    Raises:
        FixableError: a setting is wrong, or the engine is not the project's own.
    """
    given = configuration.given(configuration.from_file(), environment)
    values = configuration.parse({"engine": "llamacpp", **given, "profile": "cluster"})
    if not ENGINES[values["engine"]].embedded:
        problem = f"ENGINE={values['engine']} has no image of this project, and GitOps installs those"
        raise FixableError(problem, "make gitops ENGINE=llamacpp (or simulated)")
    return choose(values, probe.container_engine(), detect=False)[0]


def install(values: Values) -> list[Release]:
    """Bring up the cluster, push images and charts, install Argo CD, and give it the releases.

    Raises:
        FixableError: a step failed, or Tilt applies the same objects.
    """
    tools.ensure(cluster.needs(values))
    cluster.apply(values)
    argo.check_tilt()
    releases = artifacts.push(values)
    say(f"pushed: {', '.join(f'{one.chart} {one.version}' for one in releases)}")
    install_chart("metrics-server", values)  # the autoscalers' source
    argo.install(values)
    current, previous = argo.deployed()
    argo.deploy(releases, previous if releases == current else current)
    return releases


def install_chart(name: str, values: Values) -> None:
    """Install a third-party chart, as Tilt would.

    Raises:
        FixableError: helm failed.
    """
    source = sources.chart(name, values)
    flags = (
        "--values",
        f"monitoring/values/{name}.yaml",
        *source["flags"],
        "--namespace",
        source["namespace"],
    )
    artifacts.run(tools.path("helm"), "upgrade", "--install", name, source["chart"], *flags)


def prove(releases: list[Release], began: float, values: Values) -> list[Finding]:
    """Try the claims, each of which needs the one before."""
    found = []
    for claim in (proof.converges, proof.leaves_scaling_alone, proof.heals):
        found.append(claim(releases))
        say(found[-1])
        if not found[-1].ok:
            return found
    say(f"from the command until then: {time.monotonic() - began:.0f} s")
    rolled = proof.rolls(releases, sources.images(values)["k6"])
    say("\n".join(map(str, rolled)))
    return found + rolled


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    began = time.monotonic()
    parser = Parser("gitops", __doc__)
    steps = ["prove", "install", "rollback", "remove", "watch", "state"]
    parser.add_argument("step", nargs="?", choices=steps, default="prove", help="what to do")
    step = parser.parse(argv).step
    if step == "remove":
        argo.remove()
        return 0
    if step == "rollback":
        say("\n".join(f"{one.chart} {one.version}" for one in proof.back()))
        return 0
    if step == "watch":
        shown.watch()
    if step == "state":
        say(shown.ready())
        return 0
    values = settings(os.environ)
    releases = install(values)
    say(f"the platform: kubectl --namespace {NAMESPACE} port-forward service/llm-api 8000")
    if step == "install":
        return 0
    with stoppable():
        return 0 if all(finding.ok for finding in prove(releases, began, values)) else 1
