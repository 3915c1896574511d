"""The NetworkPolicies of the running platform, as `make policies` tries them."""

import pytest

from dev import kubectl
from dev.policies import command
from dev.settings import NAMESPACE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_what_the_policies_allow_connects_and_nothing_else(
    gateway: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "default-deny" not in kubectl.output("get", "networkpolicies", "--namespace", NAMESPACE):
        pytest.skip("the platform runs without NetworkPolicies (POLICIES=false)")
    assert command.main([]) == 0, capsys.readouterr().out
