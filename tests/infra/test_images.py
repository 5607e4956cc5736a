"""User data and images that the agent can stand beside, and those that it cannot."""

from __future__ import annotations

import json
import re
from base64 import b64encode

import pytest
from aws_cdk import (
    App,
    Environment,
    Stack,
)
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from peakfleet import (
    BrokenImage,
    CapacityPool,
    PoolOptions,
    SpecError,
)
from tests.infra.fleets import (
    burst_fleet,
    new_stack,
    only,
    properties,
)
from tests.infra.other_apps import (
    HERE,
    TEMPLATE,
    graviton,
    queue_fleet,
    refused,
)


def user_data(stack: Stack) -> str:
    data = only(Template.from_stack(stack), TEMPLATE)["LaunchTemplateData"]
    return json.dumps(data["UserData"])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#!/bin/bash\necho hi", "text/x-shellscript"),
        ("#cloud-config\npackages:\n - httpd\n", "text/cloud-config"),
        ("#cloud-boothook\necho hi", "text/cloud-boothook"),
        ("#cloud-config-archive\n- x\n", "text/cloud-config-archive"),
        ("#include\nhttps://x", "text/x-include-url"),
        ("#include-once\nhttps://x", "text/x-include-once-url"),
        ("## template: jinja\n#cloud-config\n{}", "text/jinja2"),
    ],
)
def test_user_data_beside_the_agent_keeps_its_kind(text: str, kind: str) -> None:
    stack = new_stack()
    queue_fleet(stack, user_data=ec2.UserData.custom(text))
    kinds = re.findall(r"Content-Type: (text/[^;]+);", user_data(stack))
    assert kinds == ["text/x-shellscript", kind]


@pytest.mark.parametrize(
    "given_data",
    [
        ec2.UserData.for_windows(),
        ec2.UserData.custom("<powershell>\nx\n</powershell>"),
        ec2.UserData.custom("[settings.host-containers.admin]\nenabled = true"),
        ec2.UserData.custom("Content-Type: multipart/mixed; boundary=x"),
        ec2.UserData.custom("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x"),
        ec2.UserData.custom('{"ignition": {"version": "3.3.0"}}'),
        ec2.MultipartUserData(),
    ],
)
def test_user_data_that_no_agent_can_stand_beside_is_refused(given_data: ec2.UserData) -> None:
    with pytest.raises(SpecError, match=r"cannot be used with drain or readiness.*Drain.none\(\)"):
        queue_fleet(new_stack(), user_data=given_data)
    burst_fleet(new_stack(), user_data=given_data)  # without an agent it is the user's own


@pytest.mark.parametrize(
    "image",
    [
        ec2.MachineImage.latest_windows(ec2.WindowsVersion.WINDOWS_SERVER_2022_ENGLISH_FULL_BASE),
        ec2.MachineImage.from_ssm_parameter(
            "/aws/service/bottlerocket/aws-ecs-2/x86_64/latest/image_id"
        ),
        ec2.MachineImage.generic_windows({"us-east-1": "ami-1"}),
    ],
)
def test_an_image_that_the_agent_does_not_run_on_is_refused_with_the_way_out(
    image: ec2.IMachineImage,
) -> None:
    pool = CapacityPool.x86(
        "c7i.4xlarge", units_per_instance=1, max_instances=1, machine_image=image
    )
    with pytest.raises(SpecError, match=r"pool 'X86': the agent .* does not run on .*Drain.none"):
        queue_fleet(new_stack(env=Environment(region="us-east-1")), pools=[pool])
    burst_fleet(new_stack(env=Environment(region="us-east-1")), pools=[pool])


@pytest.mark.parametrize(
    ("parameter", "options", "device"),
    [
        ("/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/x", {}, "/dev/sda1"),
        ("/aws/service/suse/sles/15-sp6/arm64/latest", {}, "/dev/sda1"),
        ("/corp/rhel-9-arm64", {}, "/dev/sda1"),
        ("/corp/rhel-9-arm64", {"root_device": "/dev/xvdb"}, "/dev/xvdb"),
        ("/aws/service/debian/release/12/latest/arm64", {}, "/dev/xvda"),
        ("/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64", {}, "/dev/xvda"),
    ],
)
def test_the_root_volume_is_the_root_device_of_its_image(
    parameter: str, options: PoolOptions, device: str
) -> None:
    stack = new_stack()
    image = ec2.MachineImage.from_ssm_parameter(parameter)
    burst_fleet(stack, pools=[graviton(machine_image=image, **options)])
    data = only(Template.from_stack(stack), TEMPLATE)["LaunchTemplateData"]
    assert [volume["DeviceName"] for volume in data["BlockDeviceMappings"]] == [device]


def script(size: int) -> ec2.UserData:
    return ec2.UserData.custom("#!/bin/bash\n" + "x" * (size - len("#!/bin/bash\n")))


def test_user_data_is_as_long_as_ec2_takes_and_no_longer() -> None:
    stack = new_stack()
    burst_fleet(stack, user_data=script(16_384))
    Template.from_stack(stack)
    stack = new_stack()
    burst_fleet(stack, user_data=script(16_385))
    assert "pool 'Graviton': user data of 16385 bytes is above the 16384" in refused(stack)


def test_user_data_in_parts_is_measured_as_it_is_encoded() -> None:
    size = 12_200
    assert len(b64encode(b"x" * size)) < 16_384
    stack = new_stack()
    queue_fleet(stack, user_data=script(size))
    assert re.search(r"user data of 1[78]\d\d\d bytes is above", refused(stack))


def test_an_instance_may_fetch_every_version_of_its_agent_and_no_other_asset() -> None:
    stack = Stack(App(), "Media", env=HERE)
    queue_fleet(stack, broken_image=BrokenImage.roll_back())
    template = Template.from_stack(stack)
    read = [
        statement["Resource"]
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "s3:GetObject"
    ]
    assert len(read) == 1
    assert "/peakfleet-agent-*.zip" in json.dumps(read)
    (key,) = re.findall(r"peakfleet-agent-[0-9a-f]{64}\.zip", user_data(stack))
    assert key
