"""A listener's actions are kept whole and read as they were written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peakfleet_local.testing import in_process_aws
from tests.local.deployed import Client

OIDC = {
    "Issuer": "https://id.example.com",
    "AuthorizationEndpoint": "https://id.example.com/authorize",
    "TokenEndpoint": "https://id.example.com/token",
    "UserInfoEndpoint": "https://id.example.com/user",
    "ClientId": "peakfleet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balanced:
    """A balancer with two target groups."""

    client: Client
    balancer: str
    groups: tuple[str, ...]

    def forward(self, *weights: int, **config: Any) -> dict[str, Any]:  # noqa: ANN401 - as botocore
        groups = [
            {"TargetGroupArn": arn, "Weight": weight}
            for arn, weight in zip(self.groups, weights, strict=False)
        ]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **config}}

    def listen(self, *actions: dict[str, Any]) -> str:
        answer = self.client.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=80, DefaultActions=list(actions)
        )
        return str(answer["Listeners"][0]["ListenerArn"])

    def actions(self, listener: str) -> list[dict[str, Any]]:
        answer = self.client.describe_listeners(ListenerArns=[listener])
        actions: list[dict[str, Any]] = answer["Listeners"][0]["DefaultActions"]
        return actions


@pytest.fixture
def balanced() -> Iterator[Balanced]:
    with in_process_aws():
        ec2, client = boto3.client("ec2", "us-east-1"), boto3.client("elbv2", "us-east-1")
        subnets = ec2.describe_subnets()["Subnets"][:2]
        made = client.create_load_balancer(Name="b", Subnets=[s["SubnetId"] for s in subnets])
        groups = [
            client.create_target_group(
                Name=name, Protocol="HTTP", Port=80, VpcId=subnets[0]["VpcId"]
            )["TargetGroups"][0]["TargetGroupArn"]
            for name in ("baseline", "cloud")
        ]
        yield Balanced(
            client=client,
            balancer=made["LoadBalancers"][0]["LoadBalancerArn"],
            groups=tuple(groups),
        )


@given(weights=st.tuples(st.integers(0, 999), st.integers(0, 999)))
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_weights_are_read_as_they_were_written(
    balanced: Balanced, weights: tuple[int, int]
) -> None:
    listener = balanced.listen(balanced.forward(1, 0))
    balanced.client.modify_listener(
        ListenerArn=listener, DefaultActions=[balanced.forward(*weights)]
    )
    [action] = balanced.actions(listener)
    found = action["ForwardConfig"]["TargetGroups"]
    assert tuple(group["Weight"] for group in found) == weights
    [rule] = balanced.client.describe_rules(ListenerArn=listener)["Rules"]
    assert rule["Actions"] == [action]
    balanced.client.delete_listener(ListenerArn=listener)


@pytest.mark.parametrize("weight", [-1, 1000])
def test_a_weight_out_of_range_is_refused_and_changes_nothing(
    balanced: Balanced, weight: int
) -> None:
    listener = balanced.listen(balanced.forward(7, 3))
    before = balanced.actions(listener)
    with pytest.raises(ClientError, match="between 0 and 999"):
        balanced.client.modify_listener(
            ListenerArn=listener, DefaultActions=[balanced.forward(weight, 3)]
        )
    assert balanced.actions(listener) == before


def test_stickiness_and_other_actions_are_kept(balanced: Balanced) -> None:
    sticky = {"Enabled": True, "DurationSeconds": 600}
    listener = balanced.listen(
        {
            "Type": "authenticate-oidc",
            "Order": 1,
            "AuthenticateOidcConfig": {**OIDC, "ClientSecret": "hidden"},
        },
        {**balanced.forward(9, 1, TargetGroupStickinessConfig=sticky), "Order": 2},
    )
    login, forward = balanced.actions(listener)
    assert login["AuthenticateOidcConfig"] == OIDC
    assert forward["ForwardConfig"]["TargetGroupStickinessConfig"] == sticky
    assert (login["Order"], forward["Order"]) == (1, 2)


def test_a_client_secret_must_be_given_anew_or_called_the_existing_one(
    balanced: Balanced,
) -> None:
    login = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": OIDC}
    forward = {**balanced.forward(1, 1), "Order": 2}
    secret = {**login, "AuthenticateOidcConfig": {**OIDC, "ClientSecret": "hidden"}}
    listener = balanced.listen(secret, forward)
    with pytest.raises(ClientError, match="client secret"):
        balanced.client.modify_listener(
            ListenerArn=listener, DefaultActions=balanced.actions(listener)
        )
    login["AuthenticateOidcConfig"] = {**OIDC, "UseExistingClientSecret": True}
    balanced.client.modify_listener(ListenerArn=listener, DefaultActions=[login, forward])
    assert balanced.actions(listener)[0]["AuthenticateOidcConfig"] == OIDC


def test_one_target_group_alone_is_described_with_its_weight(balanced: Balanced) -> None:
    arn = balanced.groups[0]
    listener = balanced.listen({"Type": "forward", "TargetGroupArn": arn})
    [action] = balanced.actions(listener)
    assert action["TargetGroupArn"] == arn
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": arn, "Weight": 1}]
