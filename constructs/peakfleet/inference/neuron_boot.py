"""How machines of an inference fleet boot: model, guard of the Neuron chips, server, ready."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2

from peakfleet.inference.model import MODEL_FOLDER, Model
from peakfleet.machines import HOME, check_shell, commands_of, strict_script
from peakfleet.pools import CapacityPool
from peakfleet_chips import Chip, find_type
from peakfleet_planner import SpecError

NEURON_NAMESPACE = "PeakFleet/Neuron"
_GPU = "gpu"
_GROUP = "neuron"
"""Its members may use the Neuron chips of a machine."""
_UNIT = "/etc/systemd/system/peakfleet-neuron.service"
_RULES = "/etc/udev/rules.d/60-peakfleet-neuron.rules"
_RULE = f'KERNEL=="neuron[0-9]*", GROUP="{_GROUP}", MODE="0660"'


def neuron_namespace(fleet: str) -> str:
    """Return where the Neuron machines of a fleet publish: their permission names a namespace."""
    return f"{NEURON_NAMESPACE}/{fleet}"


def compiled_for(pool: CapacityPool) -> str:
    """Return what a pool's model is compiled for: a Neuron chip, `gpu`, or a processor.

    Raises:
        SpecError: Its instance types need different ones.
    """
    found = {_compiled_for(kind, pool) for kind in pool.instance_types}
    if len(found) > 1:
        raise SpecError(
            f"pool '{pool.name}': a model is compiled for one chip, but its instance types have "
            f"{' and '.join(sorted(found))}; give each chip its own pool"
        )
    return found.pop()


def _compiled_for(instance_type: str, pool: CapacityPool) -> str:
    known = find_type(instance_type)
    if known is not None and known.chip.is_neuron:
        return known.chip.value
    if known is not None and known.chip.is_gpu:
        return _GPU
    return "arm64" if pool.architecture == ec2.InstanceArchitecture.ARM_64 else "x86_64"


def is_neuron(pool: CapacityPool) -> bool:
    """Return whether a pool's instances have NeuronCores."""
    return compiled_for(pool) in {chip.value for chip in Chip if chip.is_neuron}


def boot_script(
    pool: CapacityPool,
    shared: ec2.UserData,
    *,
    fleet: str,
    model: Model,
    health_url: str,
    within_seconds: int,
) -> ec2.UserData:
    """Return what the instances of a pool run at boot.

    They fetch the model for their chip, watch their NeuronCores, run the pool's own user data or
    else the fleet's, and say that they are ready once the server answers. Where any of it
    fails, the machine switches itself off, so that it never counts.

    Args:
        pool: The pool.
        shared: The fleet's user data, read at the end of the synth.
        fleet: Name of the fleet.
        model: What to serve.
        health_url: What a server that has loaded its model answers with success.
        within_seconds: How long all of it may take.

    Raises:
        SpecError: The user data has parts already, or would not run when a waiting instance is
            started.
    """
    if pool.warm and not pool.warm.is_running:
        raise SpecError(
            f"pool '{pool.name}': user data does not run again when an instance that waited "
            f"stopped is started, so that it would never say it is ready; let it wait running "
            f"(running=True), or leave warm out"
        )
    commands = pool.user_data or shared
    check_shell(
        f"pool '{pool.name}'",
        commands,
        why="between fetching the model and waiting for the server",
    )
    chip = compiled_for(pool)
    script = strict_script(
        f"export AWS_DEFAULT_REGION='{Aws.REGION}' PEAKFLEET_POOL='{pool.name}'",
        f"export PEAKFLEET_CHIP='{chip}' PEAKFLEET_MODEL='{MODEL_FOLDER}'",
    )
    script.add_commands(
        f"install -d {MODEL_FOLDER}",
        f"aws s3 cp --only-show-errors '{model.url(chip)}' - |",
        f"  tar -xz --no-same-owner -C {MODEL_FOLDER}",
        *(_watch_commands(fleet=fleet, pool=pool.name) if is_neuron(pool) else ()),
        commands_of(commands),
        f"until curl -fsS -o /dev/null --max-time 5 '{health_url}'; do",
        f'  [ "$SECONDS" -lt {within_seconds} ]',
        "  sleep 2",
        "done",
        f"PYTHONPATH={HOME} python3 -c 'from peakfleet_instance import ready; ready()'",
    )
    return script


def _watch_commands(*, fleet: str, pool: str) -> tuple[str, ...]:
    """Return commands that guard the chips and start the publisher of their metrics.

    They fail where the driver shows no chip.
    """
    unit = "\n".join(
        (
            "[Unit]",
            "Description=peakfleet NeuronCore metrics",
            "After=network-online.target",
            "Wants=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"Environment=AWS_DEFAULT_REGION={Aws.REGION}",
            f"WorkingDirectory={HOME}",
            "ExecStart=/usr/bin/python3 -m peakfleet_instance.neuron_metrics \\",
            f'  --namespace "{neuron_namespace(fleet)}" --fleet "{fleet}" --pool "{pool}"',
            "Restart=always",
            "RestartSec=5",
            "NoNewPrivileges=yes",
            "PrivateTmp=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "",
            "[Install]",
            "WantedBy=multi-user.target",
        )
    )
    # Who may use a chip can read all of the machine's memory, says AWS's page on Neuron security.
    return (
        f"groupadd --force --system {_GROUP}",
        f"chgrp {_GROUP} /dev/neuron[0-9]*",
        "chmod 0660 /dev/neuron[0-9]*",
        f"cat >{_RULES} <<'RULES'\n{_RULE}\nRULES",
        f"cat >{_UNIT} <<'UNIT'\n{unit}\nUNIT",
        "systemctl daemon-reload",
        "systemctl enable --now peakfleet-neuron.service",
    )
