"""User data that is made around a user's own."""

from __future__ import annotations

import jsii
from aws_cdk import IStableStringProducer, Lazy
from aws_cdk import aws_ec2 as ec2

HOME = "/opt/peakfleet"
"""Where everything of ours lies on an instance."""


def strict_script(*first: str) -> ec2.UserData:
    """Return a script that switches its machine off as soon as a command fails.

    Such a machine never counts, and its group replaces it.

    Args:
        first: Commands that cannot fail, such as exports.
    """
    script = ec2.UserData.for_linux()
    script.add_commands(
        "set -Eeuo pipefail",
        *first,
        "peakfleet_failed() {",
        '  echo "peakfleet: line $1 of the user data has failed" >&2',
        "  shutdown -h now",
        "}",
        "trap 'peakfleet_failed \"$LINENO\"' ERR",
    )
    return script


def commands_of(user_data: ec2.UserData) -> str:
    """Return the commands of user data as of the end of the synth: some are added late."""
    return Lazy.string(_Commands(user_data))


@jsii.implements(IStableStringProducer)
class _Commands:
    def __init__(self, user_data: ec2.UserData) -> None:
        self._user_data = user_data

    def produce(self) -> str:
        rendered = self._user_data.render()
        return rendered.partition("\n")[2] if rendered.startswith("#!") else rendered
