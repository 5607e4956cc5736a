"""The agent on instances: how it is installed."""

from __future__ import annotations

from aws_cdk import AssetStaging, Aws, FileAssetPackaging, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet.assets import installed
from peakfleet.machines.hooks import Hooks
from peakfleet.machines.user_data import AGENT_WAY_OUT, HOME, part_type
from peakfleet_planner import SpecError

_ARCHIVE = "peakfleet-agent"
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
        url, readable = _published(self)
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:GetObject"], resource_arns=[readable]
        )
        self._commands = _install_commands(url, hooks.settings)
        self._script = self._new_script()

    @property
    def script(self) -> ec2.UserData:
        """A script that installs the agent, for further commands to be added to."""
        return self._script

    def before(self, given: ec2.UserData) -> ec2.UserData:
        """Return user data that installs the agent and then runs *given*, which stays as it is.

        Raises:
            SpecError: *given* is nothing that cloud-init runs beside a script.
        """
        if given is self._script:
            return given
        kind, what = part_type(given)
        if kind is None:
            raise SpecError(
                f"user data {what} cannot be used with drain or readiness, which add a script of "
                f"their own; give a shell script or cloud-config, or {AGENT_WAY_OUT}"
            )
        both = ec2.MultipartUserData()
        both.add_user_data_part(self._new_script())
        both.add_user_data_part(given, kind, make_default=True)
        return both

    def _new_script(self) -> ec2.UserData:
        script = ec2.UserData.for_linux()
        script.add_commands(*self._commands)
        return script


def _published(scope: Construct) -> tuple[str, str]:
    """Publish the agent's files; return their URL, and the ARN of all their versions.

    They have a name of their own among the assets of an account. So an instance may read those of
    before as well, which an older version of its launch template asks for, and no other asset.
    """
    staging = AssetStaging(
        scope, "Code", source_path=str(installed("peakfleet_instance")), exclude=_LEFT_OUT
    )
    stack = Stack.of(scope)
    name = f"{_ARCHIVE}-{staging.asset_hash}"
    location = stack.synthesizer.add_file_asset(
        source_hash=name,
        file_name=staging.relative_staged_path(stack),
        packaging=FileAssetPackaging.ZIP_DIRECTORY,
        display_name="peakfleet agent",
    )
    every = location.object_key.replace(name, f"{_ARCHIVE}-*")
    bucket = stack.format_arn(
        service="s3", region="", account="", resource=location.bucket_name, resource_name=every
    )
    return location.s3_object_url, bucket


def _install_commands(url: str, settings: dict[str, str]) -> tuple[str, ...]:
    """Return commands that never fail: without its agent an instance is retained, not killed."""
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    folder = f"{HOME}/peakfleet_instance"
    return (
        "install_peakfleet_agent() {",
        f"  install -d {folder} &&",
        f"    aws s3 cp --only-show-errors --region '{Aws.REGION}' '{url}' {HOME}/agent.zip &&",
        f"    python3 -m zipfile -e {HOME}/agent.zip {folder} &&",
        f"    cat >/etc/peakfleet-agent.env <<'SETTINGS' && bash {folder}/install.sh",
        f"{lines}\nSETTINGS",
        "}",
        'install_peakfleet_agent || echo "the peakfleet agent was not installed" >&2',
    )
