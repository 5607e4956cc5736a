"""The way to a company's network, and the trust in its hosts, deploy as they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from aws_cdk.assertions import Template

from peakfleet import Link, ReporterTrust
from peakfleet_handlers.aws import Calls, Clients, Deadline
from peakfleet_handlers.aws.records import Records, read_records
from peakfleet_local import LocalAws
from peakfleet_planner.pool_plan import Split
from tests.infra.fleets import new_stack
from tests.infra.test_hybrid import PEM, identity, network, weighted
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


class _Named:
    """What a tick asks with, of this AWS."""

    def __init__(self, aws: LocalAws) -> None:
        self.route53 = aws.client("route53")


def aws_clients(aws: LocalAws) -> Clients:
    return cast("Clients", _Named(aws))


def test_weighted_records_deploy_and_a_tick_reads_and_weighs_them(aws: LocalAws) -> None:
    stack = new_stack()
    records = weighted(stack)
    template = Template.from_stack(stack).to_json()
    change(aws, "Named", template["Resources"])
    zone = aws.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    spec = replace(records.traffic, hosted_zone_id=zone.rpartition("/")[2])
    route53, calls = aws.client("route53"), Calls(deadline=Deadline.of(None))

    def read() -> Records:
        found = read_records(spec, route53=route53, calls=calls)
        assert found is not None, calls.failed
        return found

    before = read()
    assert before.split == Split(cloud=0, sites={"": 999})
    assert before.send(Split(cloud=333, sites={"": 666}), clients=aws_clients(aws), calls=calls)
    after = read()
    assert {name: one["Weight"] for name, one in after.found.items()} == {
        "on-premises": 170,
        "cloud": 85,
    }
    assert not after.differs(Split(cloud=333, sites={"": 666}))
    for name, one in after.found.items():
        assert {**one, "Weight": 0} == {**before.found[name], "Weight": 0}
