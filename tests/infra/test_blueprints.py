"""Tags, warnings and functions of other teams' blueprints."""

from __future__ import annotations

import json
import re
from typing import Any

import jsii
import pytest
from aws_cdk import (
    App,
    Duration,
    IPropertyInjector,
    Stack,
    Tags,
)
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Annotations, Match, Template

from peakfleet import (
    BurstFleet,
    DemandSignal,
    Drain,
    Foresight,
    Readiness,
)
from tests.infra.fleets import (
    GRAVITON,
    burst_fleet,
    function,
    metric,
    network,
    new_stack,
)
from tests.infra.other_apps import (
    GROUP,
    TEMPLATE,
    network_of,
    queue_fleet,
    refused,
)


@pytest.mark.parametrize("excluded", [[], [GROUP], [TEMPLATE], [GROUP, TEMPLATE]])
def test_a_tag_key_that_forbids_a_launch_is_found_wherever_it_is(excluded: list[str]) -> None:
    stack = new_stack()
    queue_fleet(stack)
    Tags.of(stack).add("Cost Center", "4711", exclude_resource_types=excluded)
    assert "tag keys 'Cost Center'" in refused(stack)


def test_a_tag_key_of_the_stack_itself_is_found() -> None:
    stack = Stack(
        App(context={"aws:cdk:disable-asset-staging": True}), "Media", tags={"Cost Center": "1"}
    )
    queue_fleet(stack)
    assert "tag keys 'Cost Center'" in refused(stack)


def test_the_way_out_that_the_refusal_names_works() -> None:
    stack = new_stack()
    queue_fleet(stack)
    Tags.of(stack).add("Cost Center", "4711")
    (named,) = re.findall(r"exclude_resource_types=(\[[^]]+\])", refused(stack))
    stack = new_stack()
    queue_fleet(stack)
    excluded = json.loads(named.replace("'", '"'))
    Tags.of(stack).add("Cost Center", "4711", exclude_resource_types=excluded)
    Template.from_stack(stack)
    stack = new_stack()
    burst_fleet(stack, drain=Drain.none(), readiness=Readiness.in_service())
    Tags.of(stack).add("Cost Center", "4711")
    Template.from_stack(stack)


def test_a_signal_by_the_second_warns_of_nothing() -> None:
    stack = new_stack()
    fast = metric(period=Duration.seconds(10))
    burst_fleet(stack, signals=[DemandSignal.metric(fast)])
    assert not Annotations.from_stack(stack).find_warning("*", Match.any_value())


def test_a_queue_without_a_dead_letter_queue_is_warned_of() -> None:
    for failed, warned in ((False, True), (True, False)):
        stack = new_stack()
        target = sqs.DeadLetterQueue(queue=sqs.Queue(stack, "Failed"), max_receive_count=3)
        queue = sqs.Queue(stack, "Queue", dead_letter_queue=target if failed else None)
        queue_fleet(stack, queue=queue)
        found = Annotations.from_stack(stack).find_warning(
            "*", Match.string_like_regexp("has no dead-letter queue")
        )
        assert bool(found) is warned


@jsii.implements(IPropertyInjector)
class IntoVpc:
    """A company's blueprint: every function is attached to the network of its stack."""

    @property
    def construct_unique_id(self) -> str:
        return lambda_.Function.PROPERTY_INJECTION_ID

    def inject(self, original_props: Any, *, scope: Any, id: str) -> lambda_.FunctionProps:  # noqa: A002, ANN401  the CDK's own
        assert id
        given_props = {
            re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", name): value
            for name, value in dict(original_props).items()
            if value is not None
        }
        return lambda_.FunctionProps(**given_props, vpc=network_of(Stack.of(scope)))


def test_functions_that_a_blueprint_puts_into_a_network_may_be_there() -> None:
    app = App(context={"aws:cdk:disable-asset-staging": True}, property_injectors=[IntoVpc()])
    stack = Stack(app, "Media")
    network(stack)
    BurstFleet(
        stack,
        "Live",
        vpc=network_of(stack),
        pools=[GRAVITON],
        signals=[DemandSignal.metric(metric())],
        foresight=Foresight.off(),
    )
    template = Template.from_stack(stack)
    assert "VpcConfig" in function(template, "scaler")[1]
    assert "ec2:CreateNetworkInterface" in json.dumps(template.find_resources("AWS::IAM::Policy"))
