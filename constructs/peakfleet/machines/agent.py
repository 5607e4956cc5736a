"""The agent on instances: how it is installed."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from peakfleet.assets import installed
from peakfleet.machines.hooks import Hooks
from peakfleet_planner import SpecError

_HOME = "/opt/peakfleet"
_LEFT_OUT = ["**/__pycache__", "*.pyc", "py.typed"]


def define_agent(
    scope: Construct, hooks: Hooks, *, grantee: iam.IGrantable
) -> InstanceAgent | None:
    """Define the agent of a fleet's instances, if they have anything to wait for."""
    return InstanceAgent(scope, "Agent", hooks=hooks, grantee=grantee) if hooks.exist else None


class InstanceAgent(Construct):
    """The agent that completes the hooks of a fleet, put on every instance by its user data.

    Args:
        hooks: What the groups wait for.
        grantee: What the instances run as; it may read the agent's files.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, hooks: Hooks, grantee: iam.IGrantable
    ) -> None:
        super().__init__(scope, construct_id)
        code = assets.Asset(
            self, "Code", path=str(installed("peakfleet_instance")), exclude=_LEFT_OUT
        )
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject"],
            resource_arns=[code.bucket.arn_for_objects(code.s3_object_key)],
        )
        self._commands = _install_commands(code.s3_object_url, hooks.settings)
        self._script = self._new_script()

    @property
    def script(self) -> ec2.UserData:
        """A script that installs the agent, for further commands to be added to."""
        return self._script

    def before(self, given: ec2.UserData) -> ec2.UserData:
        """Return user data that installs the agent and then runs *given*, which stays as it is.

        Raises:
            SpecError: *given* has parts already.
        """
        if given is self._script:
            return given
        if isinstance(given, ec2.MultipartUserData):
            raise SpecError(
                "user data in parts cannot be used with drain or readiness, which add a part of "
                "their own; give the script itself"
            )
        both = ec2.MultipartUserData()
        both.add_user_data_part(self._new_script())
        both.add_user_data_part(given, ec2.MultipartBody.SHELL_SCRIPT, make_default=True)
        return both

    def _new_script(self) -> ec2.UserData:
        script = ec2.UserData.for_linux()
        script.add_commands(*self._commands)
        return script


def _install_commands(url: str, settings: dict[str, str]) -> tuple[str, ...]:
    """Return commands that never fail: without its agent an instance is retained, not killed."""
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    folder = f"{_HOME}/peakfleet_instance"
    return (
        "install_peakfleet_agent() {",
        f"  install -d {folder} &&",
        f"    aws s3 cp --only-show-errors --region '{Aws.REGION}' '{url}' {_HOME}/agent.zip &&",
        f"    python3 -m zipfile -e {_HOME}/agent.zip {folder} &&",
        f"    cat >/etc/peakfleet-agent.env <<'SETTINGS' && bash {folder}/install.sh",
        f"{lines}\nSETTINGS",
        "}",
        'install_peakfleet_agent || echo "the peakfleet agent was not installed" >&2',
    )
