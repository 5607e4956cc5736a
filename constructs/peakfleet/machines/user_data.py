"""User data that is made around a user's own."""

from __future__ import annotations

import jsii
from aws_cdk import IStableStringProducer, Lazy
from aws_cdk import aws_ec2 as ec2

from peakfleet_planner import SpecError

HOME = "/opt/peakfleet"
"""Where everything of ours lies on an instance."""


AGENT_WAY_OUT = (
    "use Drain.none() and Readiness.in_service(), which need no agent, or Amazon Linux or another "
    "Linux with cloud-init, Python and the AWS CLI"
)
_SHELL_SCRIPT = 'text/x-shellscript; charset="utf-8"'
_PARTS = (
    ("#!", _SHELL_SCRIPT),
    ("#cloud-config-archive", 'text/cloud-config-archive; charset="utf-8"'),
    ("#cloud-config-jsonp", 'text/cloud-config-jsonp; charset="utf-8"'),
    ("#cloud-config", 'text/cloud-config; charset="utf-8"'),
    ("#cloud-boothook", 'text/cloud-boothook; charset="utf-8"'),
    ("#include-once", 'text/x-include-once-url; charset="utf-8"'),
    ("#include", 'text/x-include-url; charset="utf-8"'),
    ("#part-handler", 'text/part-handler; charset="utf-8"'),
    ("## template: jinja", 'text/jinja2; charset="utf-8"'),
)
"""How user data begins, the longest first, and what cloud-init calls it as a part."""
_OTHERS = (
    ("<powershell>", "that is a script of Windows"),
    ("<script>", "that is a script of Windows"),
    ("version: 1.", "that is a configuration of Windows"),
    ("[", "that is a TOML file, as Bottlerocket has,"),
    ("{", "that is a JSON file, as Ignition has,"),
    ("mime-version:", "in parts"),
    ("content-type: multipart/", "in parts"),
)


def part_type(user_data: ec2.UserData) -> tuple[str | None, str]:
    """Return what cloud-init calls user data as a part beside others, and what it is in words.

    None: it is nothing that cloud-init runs beside others.
    """
    in_parts = isinstance(user_data, ec2.MultipartUserData)
    text = _OTHERS[-1][0] if in_parts else user_data.render().lstrip()
    for beginning, what in _OTHERS:
        if text.lower().startswith(beginning):
            return None, what
    found = (kind for beginning, kind in _PARTS if text.startswith(beginning))
    kind = next(found, _SHELL_SCRIPT)
    return kind, f"of type {kind.partition(';')[0]}"


def check_shell(owner: str, user_data: ec2.UserData, *, why: str) -> None:
    """Refuse user data that is no shell script, where commands are put around it."""
    kind, what = part_type(user_data)
    if kind != _SHELL_SCRIPT:
        raise SpecError(
            f"{owner}: user data {what} cannot be put {why}; give the shell script itself"
        )


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
