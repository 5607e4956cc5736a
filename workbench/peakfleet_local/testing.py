"""The local AWS without a server, for tests that call handlers in their own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moto import mock_aws

from peakfleet_local.groups import installed
from peakfleet_local.metrics import MetricStore, metrics_installed
from peakfleet_local.world import World


@contextmanager
def in_process_aws(
    *, world: World | None = None, metrics: MetricStore | None = None
) -> Iterator[World]:
    """Let every boto3 client of this process speak to a simulated AWS.

    Args:
        world: Clock and capacity. Default: the present time, unlimited capacity.
        metrics: What CloudWatch knows. Default: nothing.

    Yields:
        The world.

    Raises:
        MotoVersionError: The installed moto is not the one that is extended here.

    Limitations:
        Those of `physics` and `cloudwatch`. No CloudFormation types beyond moto's own.

    Example:
        with in_process_aws(world=World(boot_seconds=120)) as world:
            tick.handler(event, context)
            world.advance(120)
    """
    laws = world or World()
    store = metrics or MetricStore(clock=lambda: laws.now_epoch_seconds)
    with mock_aws(), installed(laws, metrics=store), metrics_installed(store):
        yield laws
