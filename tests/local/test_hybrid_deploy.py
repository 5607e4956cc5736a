"""The way to a company's network, and the trust in its hosts, deploy as they are written."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Template

from peakfleet import Link, ReporterTrust
from peakfleet_local import LocalAws
from tests.infra.fleets import new_stack
from tests.infra.test_hybrid import PEM, identity, network
from tests.local.stacks import change, ids


@pytest.mark.parametrize("link", [Link.vpn("203.0.114.9"), Link.direct_connect()])
def test_a_hybrid_network_deploys(aws: LocalAws, link: Link) -> None:
    stack = new_stack()
    network(stack, link)
    identity(stack, ReporterTrust.certificates(PEM))
    template = Template.from_stack(stack).to_json()
    resources = template["Resources"]
    change(aws, "Hybrid", resources, Mappings=template.get("Mappings", {}))
    assert set(ids(aws, "Hybrid")) == set(resources)
