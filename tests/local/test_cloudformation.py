"""Stacks make what their templates say, also where moto alone would not."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from peakfleet_local import LocalAws
from tests.local.deployed import TRUST, invoke, zipped
from tests.local.stacks import POLICY, QUEUE, TOPIC, Template, change, group, ids, network, outputs


def test_policies_hooks_and_warm_pools_of_a_group_exist(aws: LocalAws) -> None:
    of_group = {"AutoScalingGroupName": {"Ref": "Group"}}
    target = {
        "TargetValue": "60",
        "DisableScaleIn": "true",
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
    }
    resources = {
        **group(),
        "Policy": {
            "Type": "AWS::AutoScaling::ScalingPolicy",
            "Properties": {
                **of_group,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": target,
            },
        },
        "Hook": {
            "Type": "AWS::AutoScaling::LifecycleHook",
            "Properties": {
                **of_group,
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                "HeartbeatTimeout": "300",
            },
        },
        "Pool": {
            "Type": "AWS::AutoScaling::WarmPool",
            "Properties": {**of_group, "MinSize": "1", "PoolState": "Stopped"},
        },
    }
    change(aws, "s", resources)
    made, client = ids(aws, "s"), aws.client("autoscaling")
    [policy] = client.describe_policies(AutoScalingGroupName=made["Group"])["ScalingPolicies"]
    [hook] = client.describe_lifecycle_hooks(AutoScalingGroupName=made["Group"])["LifecycleHooks"]
    warm = client.describe_warm_pool(AutoScalingGroupName=made["Group"])["WarmPoolConfiguration"]
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 60
    assert policy["PolicyARN"] == made["Policy"]
    assert (hook["LifecycleHookName"], hook["HeartbeatTimeout"]) == (made["Hook"], 300)
    assert warm["PoolState"] == "Stopped"


def test_a_placement_group_can_be_named_by_others(aws: LocalAws) -> None:
    resources = {
        "Near": {"Type": "AWS::EC2::PlacementGroup", "Properties": {"Strategy": "cluster"}},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": {"Fn::GetAtt": ["Near", "GroupName"]}},
        },
    }
    change(aws, "s", resources)
    made = ids(aws, "s")
    assert made["Queue"].endswith(f"/{made['Near']}")


def test_an_update_of_a_group_keeps_its_name_and_its_instances(aws: LocalAws) -> None:
    change(aws, "s", group())
    name, client = ids(aws, "s")["Group"], aws.client("autoscaling")
    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=6)
    before = aws.world.machines_of(name)
    change(aws, "s", group(maximum=30))
    [found] = client.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (found["AutoScalingGroupName"], found["MaxSize"]) == (name, 30)
    assert found["DesiredCapacity"] == 6
    assert aws.world.machines_of(name) == before


def test_alarms_exist_with_their_arns(aws: LocalAws) -> None:
    alarm = {
        "MetricName": "m",
        "Namespace": "N",
        "Statistic": "Sum",
        "Period": "60",
        "EvaluationPeriods": 3,
        "Threshold": 1,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "AlarmActions": [{"Ref": "Topic"}],
    }
    rule = {"Fn::Join": ["", ['ALARM("', {"Fn::GetAtt": ["Dead", "Arn"]}, '")']]}
    resources = {
        "Topic": TOPIC,
        "Dead": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        "Any": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}},
    }
    change(aws, "s", resources)
    made = ids(aws, "s")
    found = aws.client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    [metric], [composite] = found["MetricAlarms"], found["CompositeAlarms"]
    assert (metric["AlarmName"], metric["TreatMissingData"]) == (made["Dead"], "breaching")
    assert metric["AlarmActions"] == [made["Topic"]]
    assert composite["AlarmRule"] == f'ALARM("{metric["AlarmArn"]}")'


def test_a_schedule_is_updated_in_place(aws: LocalAws) -> None:
    def resources(payload: str) -> Template:
        target = {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "Input": payload}
        return {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": TRUST},
            },
            "Schedule": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "ScheduleExpression": "rate(1 minute)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {**target, "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}},
                },
            },
        }

    change(aws, "s", resources("one"))
    name = ids(aws, "s")["Schedule"]
    change(aws, "s", resources("two"))
    assert ids(aws, "s")["Schedule"] == name
    assert aws.client("scheduler").get_schedule(Name=name)["Target"]["Input"] == "two"


def test_messaging_policies_and_subscriptions_exist(aws: LocalAws) -> None:
    resources = {
        "Queue": QUEUE,
        "Topic": TOPIC,
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": POLICY},
        },
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": POLICY},
        },
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
    }
    change(aws, "s", resources)
    made = ids(aws, "s")
    queue = aws.client("sqs").get_queue_attributes(
        QueueUrl=made["Queue"], AttributeNames=["Policy"]
    )
    topic = aws.client("sns").get_topic_attributes(TopicArn=made["Topic"])
    [subscription] = aws.client("sns").list_subscriptions()["Subscriptions"]
    assert json.loads(queue["Attributes"]["Policy"]) == POLICY
    assert json.loads(topic["Attributes"]["Policy"]) == POLICY
    assert subscription["SubscriptionArn"] == made["Subscription"]


def balanced(kind: str, protocol: str) -> Template:
    def target_group() -> Template:
        properties = {"Port": 80, "Protocol": protocol, "TargetType": "ip", "VpcId": {"Ref": "Vpc"}}
        return {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": properties}

    weighted = [
        {"TargetGroupArn": {"Ref": "OnPremises"}, "Weight": 90},
        {"TargetGroupArn": {"Ref": "Cloud"}, "Weight": 10},
    ]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}
    return {
        **network(),
        "OnPremises": target_group(),
        "Cloud": target_group(),
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Type": kind, "Scheme": "internal", "Subnets": [{"Ref": "Subnet"}]},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": protocol,
                "DefaultActions": [action],
            },
        },
    }


@pytest.mark.parametrize(("kind", "protocol"), [("application", "HTTP"), ("network", "TCP")])
def test_a_listener_keeps_the_weights_of_its_groups(
    aws: LocalAws, kind: str, protocol: str
) -> None:
    change(aws, "s", balanced(kind, protocol))
    made, client = ids(aws, "s"), aws.client("elbv2")
    [balancer] = client.describe_load_balancers()["LoadBalancers"]
    [listener] = client.describe_listeners(ListenerArns=[made["Listener"]])["Listeners"]
    groups = listener["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]
    assert balancer["Type"] == kind
    assert {g["TargetGroupArn"]: g["Weight"] for g in groups} == {
        made["OnPremises"]: 90,
        made["Cloud"]: 10,
    }


def test_the_full_names_that_metrics_need_are_known(aws: LocalAws) -> None:
    names = {
        "Balancer": {"Value": {"Fn::GetAtt": ["Balancer", "LoadBalancerFullName"]}},
        "Group": {"Value": {"Fn::GetAtt": ["Cloud", "TargetGroupFullName"]}},
    }
    change(aws, "s", balanced("application", "HTTP"), Outputs=names)
    made, shown = ids(aws, "s"), outputs(aws, "s")
    assert made["Balancer"].endswith(f":loadbalancer/{shown['Balancer']}")
    assert made["Cloud"].endswith(f":{shown['Group']}")
    assert shown["Group"].startswith("targetgroup/")


def test_one_stack_uses_what_another_exports(aws: LocalAws) -> None:
    export = {"Name": {"Value": {"Ref": "Queue"}, "Export": {"Name": "shared"}}}
    change(aws, "producer", {"Queue": QUEUE}, Outputs=export)
    parameter = {"Type": "String", "Value": {"Fn::ImportValue": "shared"}}
    change(aws, "consumer", {"P": {"Type": "AWS::SSM::Parameter", "Properties": parameter}})
    name = ids(aws, "consumer")["P"]
    found = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert found == ids(aws, "producer")["Queue"] == outputs(aws, "producer")["Name"]


def test_a_type_that_cannot_be_updated_keeps_its_resource(aws: LocalAws) -> None:
    def key(text: str) -> Template:
        properties = {
            "KeyPolicy": POLICY,
            "Description": text,
            "Tags": [{"Key": "a", "Value": "b"}],
        }
        return {"Key": {"Type": "AWS::KMS::Key", "Properties": properties}}

    change(aws, "s", key("one"))
    before = ids(aws, "s")
    change(aws, "s", key("two"))
    assert ids(aws, "s") == before
    [found] = aws.client("kms").list_keys()["Keys"]
    assert found["KeyId"] == before["Key"]


def test_a_resource_that_cannot_be_made_is_named(aws: LocalAws) -> None:
    properties = {"AutoScalingGroupName": "g", "Nonsense": 1}
    resources = {"Pool": {"Type": "AWS::AutoScaling::WarmPool", "Properties": properties}}
    with pytest.raises(ClientError, match=r"Pool \(AWS::AutoScaling::WarmPool\): .*Nonsense"):
        change(aws, "s", resources)


def test_an_attribute_that_nobody_knows_fails_instead_of_vanishing(aws: LocalAws) -> None:
    made_up = {"Fn::GetAtt": ["Queue", "Colour"]}
    parameter = {"Type": "String", "Value": made_up}
    resources = {
        "Queue": QUEUE,
        "P": {"Type": "AWS::SSM::Parameter", "Properties": parameter},
    }
    with pytest.raises(ClientError, match="Colour"):
        change(aws, "s", resources)


def test_an_unknown_change_set_has_the_code_that_the_cli_waits_for(aws: LocalAws) -> None:
    change(aws, "s", {"Queue": QUEUE})
    client = aws.client("cloudformation")
    with pytest.raises(ClientError) as unknown:
        client.describe_change_set(StackName="s", ChangeSetName="other")
    assert unknown.value.response["Error"]["Code"] == "ChangeSetNotFound"


def test_a_function_has_its_layer_and_keeps_it_when_only_the_layer_changes(aws: LocalAws) -> None:
    def upload(key: str, files: dict[str, str]) -> Template:
        aws.client("s3").put_object(Bucket="code", Key=key, Body=zipped(files))
        return {"S3Bucket": "code", "S3Key": key}

    aws.client("s3").create_bucket(Bucket="code")
    body = "import numpy\ndef handler(event, context):\n    return int(numpy.ones(3).sum())\n"
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": upload("function", {"index.py": body}),
        "Layers": [{"Ref": "Layer"}],
    }
    arns = []
    for key in ("first", "second"):
        layer = {
            "Content": upload(key, {"python/numpy/__init__.py": key}),
            "CompatibleArchitectures": ["arm64"],
            "CompatibleRuntimes": ["python3.13"],
        }
        resources = {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        }
        change(aws, "s", resources)
        made = ids(aws, "s")
        assert invoke(aws, made["Function"]).payload == 3
        arns.append(made["Layer"])
    described = aws.client("lambda").get_function(FunctionName=made["Function"])
    assert [layer["Arn"] for layer in described["Configuration"]["Layers"]] == arns[:1]
    assert [arn.rpartition(":")[2] for arn in arns] == ["1", "2"]
    name = arns[0].split(":")[-2]
    aws.client("cloudformation").delete_stack(StackName="s")
    kept = aws.client("lambda").list_layer_versions(LayerName=name)["LayerVersions"]
    assert [version["Version"] for version in kept] == [1]
