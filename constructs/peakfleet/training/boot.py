"""How machines of a gang boot: the user data, then the trainer."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2

from peakfleet.machines import HOME, check_shell, commands_of, strict_script
from peakfleet.training.checkpoints import Checkpoints
from peakfleet_planner import SpecError

_PROGRAM = f"{HOME}/train.sh"
_SETTINGS = "/etc/peakfleet-training.env"
_UNIT = "/etc/systemd/system/peakfleet-training.service"
_STOP_GRACE_SECONDS = 60


def training_script(
    shared: ec2.UserData,
    *,
    command: str,
    checkpoints: Checkpoints,
    checkpoint_seconds: int,
    adapters: int,
) -> ec2.UserData:
    """Return what the machines of a gang run at boot.

    They run the user data, and then the trainer: it waits until the gang is complete, fetches the
    newest checkpoint and starts the command. Where any of it fails, the machine switches itself
    off, so that it never counts.

    Args:
        shared: The fleet's user data, read at the end of the synth.
        command: What trains, a line for a shell.
        checkpoints: Where checkpoints are kept.
        checkpoint_seconds: How long a machine that has to go may take to keep one.
        adapters: Elastic Fabric Adapters of a machine.

    Raises:
        SpecError: The user data has parts, or the command has several lines.
    """
    check_shell("training", shared, why="before the training")
    if not command.strip() or "\n" in command:
        raise SpecError(
            f"command must be one line for a shell, such as 'bash /opt/train/start.sh', got "
            f"{command!r}"
        )
    settings = {
        "AWS_DEFAULT_REGION": Aws.REGION,
        "PEAKFLEET_BUCKET": checkpoints.bucket.bucket_name,
        "PEAKFLEET_PREFIX": checkpoints.prefix,
        "PEAKFLEET_PROGRAM": _PROGRAM,
        "PEAKFLEET_CHECKPOINT_SECONDS": str(checkpoint_seconds),
        **({"FI_PROVIDER": "efa", "FI_EFA_USE_DEVICE_RDMA": "1"} if adapters else {}),
    }
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    script = strict_script()
    script.add_commands(
        f"export AWS_DEFAULT_REGION='{Aws.REGION}'",
        commands_of(shared),
        f"test -f {HOME}/peakfleet_instance/trainer.py",
        f"cat >{_SETTINGS} <<'SETTINGS'\n{lines}\nSETTINGS",
        f"cat >{_PROGRAM} <<'PROGRAM'\nexec {command}\nPROGRAM",
        f"cat >{_UNIT} <<'UNIT'\n{_unit(checkpoint_seconds)}\nUNIT",
        "systemctl daemon-reload",
        "systemctl enable --now peakfleet-training.service",
    )
    return script


def _unit(checkpoint_seconds: int) -> str:
    return "\n".join(
        (
            "[Unit]",
            "Description=peakfleet trainer",
            "After=network-online.target peakfleet-agent.service",
            "Wants=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"EnvironmentFile={_SETTINGS}",
            f"WorkingDirectory={HOME}",
            "StateDirectory=peakfleet",
            "ExecStart=/usr/bin/python3 -m peakfleet_instance.trainer",
            "Restart=always",
            "RestartSec=10",
            "LimitMEMLOCK=infinity",
            "KillMode=mixed",
            f"TimeoutStopSec={checkpoint_seconds + _STOP_GRACE_SECONDS}",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
        )
    )
