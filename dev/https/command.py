"""`python -m dev https crds SOURCE | apply CLASS URL | delete`: Gateway API and Gateway, for the Tiltfile.

`apply` installs the Gateway with its certificate, waits until both are ready, writes the authority's
certificate to out/ca.crt, and prints the Gateway's objects as the cluster has them, as Tilt expects.
"""

import argparse
import base64
import json
import sys

from dev import FixableError, kubectl
from dev.https import authority, manifests
from dev.settings import GATEWAY_NAMESPACE

WEBHOOK_SECONDS = 90  # cert-manager's webhook answers some seconds after its pod is ready
READY_SECONDS = 90
IN_NAMESPACE = ("--namespace", GATEWAY_NAMESPACE)
KINDS = (
    "gateways",
    "certificates.cert-manager.io",
    "issuers.cert-manager.io",
    "gatewayclasses",
    "envoyproxies.gateway.envoyproxy.io",
)
# No certificate is issued again because a Gateway was applied again.
SERVER_SIDE = ("apply", "--server-side", "--force-conflicts", "--field-manager=llm-platform")


def say(text: str) -> None:
    """Print to the log: standard output is for Tilt."""
    print(text, file=sys.stderr, flush=True)


def install_crds(source: str) -> None:
    """Apply the CRDs of the Gateway API, and wait until the API server serves them.

    Raises:
        FixableError: they cannot be had, or not be applied.
    """
    try:
        say(kubectl.output(*SERVER_SIDE, "--filename", source).strip())
    except FixableError as error:
        fix = "GATEWAY_API_CRDS=FILE with standard-install.yaml of https://github.com/kubernetes-sigs/gateway-api"
        raise FixableError(error.problem, fix) from error
    crds = [f"crd/{name}.gateway.networking.k8s.io" for name in ("gatewayclasses", "gateways", "httproutes")]
    kubectl.output("wait", "--for=condition=Established", "--timeout=50s", *crds)


def apply(gateway_class: str, url: str) -> None:
    """Install the Gateway, and wait until it serves its certificate.

    Raises:
        FixableError: something was refused, or was not ready in time.
    """
    given = authority.mkcert(authority.mkcert_folder())
    signer = manifests.given_authority(*given) if given else manifests.own_authority()
    classes = manifests.envoy_class() if gateway_class == manifests.ENVOY else []
    objects = json.dumps(manifests.as_list([*signer, *classes, *manifests.gateway(gateway_class)]))
    applied = kubectl.until(
        lambda: kubectl.output(*SERVER_SIDE, "--filename=-", text=objects), WEBHOOK_SECONDS
    )
    say(applied.strip())
    wait("certificates.cert-manager.io", manifests.CERTIFICATE, "Ready")
    wait("gateways", manifests.GATEWAY, "Programmed")
    authority.write(issuer_certificate())
    say(authority.usage(url, trusted=given is not None))
    print(kubectl.output("get", "gateways", manifests.GATEWAY, *IN_NAMESPACE, "--output=yaml"))


def wait(kind: str, name: str, condition: str) -> None:
    """Wait for a condition of an object.

    Raises:
        FixableError: it did not come true; the message has the object's own words.
    """

    def holds() -> str:
        found = kubectl.shown(kind, name, *IN_NAMESPACE)
        conditions = {c["type"]: c for c in found.get("status", {}).get("conditions", [])}
        if (state := conditions.get(condition, {})).get("status") == "True":
            return condition
        reason = f"{state.get('reason', 'no status yet')} {state.get('message', '')}".strip()
        fix = f"kubectl --namespace {GATEWAY_NAMESPACE} describe {kind} {name}"
        raise FixableError(f"{kind}/{name} is not {condition}: {reason}", fix)

    kubectl.until(holds, READY_SECONDS)


def issuer_certificate() -> str:
    """Return the certificate (PEM) of the authority that signed the Gateway's.

    Raises:
        FixableError: the Secret cannot be read.
    """
    secret = kubectl.shown("secret", manifests.AUTHORITY, *IN_NAMESPACE)
    return base64.b64decode(secret["data"]["tls.crt"]).decode()


def delete() -> None:
    """Remove the Gateway, its certificate and its authority; what is not there is no error.

    Raises:
        FixableError: the API server refused.
    """
    selector = ",".join(f"{name}={value}" for name, value in manifests.LABELS.items())
    for kind in KINDS:
        done = kubectl.call("delete", kind, "--selector", selector, *IN_NAMESPACE, "--wait=false")
        if done.returncode and "the server doesn't have a resource type" not in done.stderr:
            raise FixableError(f"the Gateway was not removed: {done.stderr.strip()}")
    secrets = (manifests.AUTHORITY, manifests.CERTIFICATE)
    kubectl.output("delete", "secret", *secrets, *IN_NAMESPACE, "--ignore-not-found")


def main(argv: list[str]) -> int:
    """Do what the Tiltfile asks, and return the exit status.

    Raises:
        FixableError: a step failed.
    """
    parser = argparse.ArgumentParser(prog="python -m dev https", description="Install the Gateway.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("crds", help="install the Gateway API's CRDs").add_argument("source")
    install = verbs.add_parser("apply", help="install the Gateway, and write out/ca.crt")
    install.add_argument("gateway_class")
    install.add_argument("url")
    verbs.add_parser("delete", help="remove the Gateway")
    options = parser.parse_args(argv)
    if options.verb == "crds":
        install_crds(options.source)
    elif options.verb == "apply":
        apply(options.gateway_class, options.url)
    else:
        delete()
    return 0
