"""A local AWS: moto in this process, with what it lacks, on a virtual clock."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import boto3
from botocore.config import Config
from moto.moto_api._internal.models import moto_api_backend

from peakfleet_local.cloudformation import installed_types
from peakfleet_local.functions import Crash, Delivered, Delivery, Firing, Functions
from peakfleet_local.groups import empty, installed
from peakfleet_local.metrics import (
    Datapoint,
    MetricStore,
    Sample,
    metrics_installed,
    publish_embedded,
)
from peakfleet_local.moto import Client, require_moto
from peakfleet_local.server.deploy import missing_resources
from peakfleet_local.server.http import MotoServer
from peakfleet_local.world import Place, World

T = TypeVar("T")
ACCOUNT = "123456789012"
"""The only account that moto has without further ado."""
_logger = logging.getLogger(__name__)
_only_one = threading.Lock()


class LocalAws:
    """AWS on this machine, for as long as a `with` block lasts.

    Runs moto's server in threads of this process, listening on this machine only, with the
    CloudFormation types it lacks, deployed Lambda code in warm processes, an indexed
    CloudWatch and Auto Scaling groups that obey the laws of `world`. Everything is gone
    at the end of the block: state, threads, processes, files.

    Args:
        port: Where to listen. A busy port is reported and another one taken.
            Default: any free one.
        region: The region that clients use. Default: us-east-1.
        world: Clock and capacity. Default: the present time, unlimited capacity.

    Raises:
        MotoVersionError: The installed moto is not the one that is extended here.
        RuntimeError: This process already has a local AWS; moto's state is global.

    Limitations:
        Not AWS. IAM allows everything, alarms act only if they belong to a scaling policy,
        metric math is refused, one account; more in the modules of its parts.

    Example:
        with LocalAws() as aws:
            deploy(aws, app_directory=Path("."), cdk_command=["npx", "cdk"])
            plans = aws.fire_schedules(aws.world.now_epoch_seconds)
    """

    def __init__(
        self, *, port: int = 0, region: str = "us-east-1", world: World | None = None
    ) -> None:
        self.region = region
        self.world = world or World()
        self.metrics = MetricStore(clock=lambda: self.world.now_epoch_seconds)
        self._port = port
        self._stack = ExitStack()
        self._endpoint_url = ""
        self._clients = _Clients(region=region)
        self._functions: Functions | None = None
        self._firing: Firing | None = None
        self._delivery: Delivery | None = None

    def __enter__(self) -> Self:
        require_moto()
        if not _only_one.acquire(blocking=False):
            raise RuntimeError("this process already has a local AWS; close it first")
        with ExitStack() as stack:
            stack.callback(_only_one.release)
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every thread and process and forget all state. Closing twice does nothing."""
        self._stack.close()

    @property
    def endpoint_url(self) -> str:
        """Where the API listens, such as http://localhost:41234.

        The word localhost matters: by it moto knows that a template lies in its own S3.
        """
        return self._endpoint_url

    @property
    def place(self) -> Place:
        """Account and Region, as events name them."""
        return Place(account=ACCOUNT, region=self.region)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make any AWS client, the CDK's too, use this AWS and no other."""
        return {
            "AWS_ENDPOINT_URL": self._endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str) -> Client:
        """Return a boto3 client of this AWS; one per service is made and kept.

        Args:
            service: Such as autoscaling.
        """
        return self._clients.get(service, endpoint_url=self._endpoint_url)

    def put_metric(
        self,
        *,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        epoch_seconds: float,
        value: float,
        unit: str | None = None,
    ) -> None:
        """Publish one value without a request.

        Args:
            namespace: Such as AWS/SQS.
            name: Of the metric.
            dimensions: All of them.
            epoch_seconds: Its time; any time is accepted.
            value: The value.
            unit: As CloudWatch names it. Default: none.

        Raises:
            ValueError: The value is not finite.
        """
        self.metrics.put(
            namespace=namespace,
            name=name,
            dimensions=dimensions,
            epoch_seconds=epoch_seconds,
            sample=Sample.of(value, unit=unit),
        )

    def publish(self, datapoints: Iterable[Datapoint]) -> None:
        """Publish values without a request.

        Args:
            datapoints: What to publish.

        Raises:
            ValueError: A value is not finite.
        """
        for point in datapoints:
            self.put_metric(
                namespace=point.metric.namespace,
                name=point.metric.metric_name,
                dimensions=dict(point.metric.dimensions),
                epoch_seconds=point.epoch_seconds,
                value=point.value,
            )

    def fire_schedules(self, now_epoch_seconds: float) -> Mapping[str, Mapping[str, Any]]:
        """Run the function of every schedule that is due at a moment and wait for the answers.

        Args:
            now_epoch_seconds: The scheduled time that each payload carries.

        Returns:
            Each handler's answer by fleet: the tick's, where a learner runs beside it; that
            one answers under its schedule's name. A handler that failed is answered as AWS
            does, with `errorMessage` and `errorType`.
        """
        return _opened(self._firing).fire(now_epoch_seconds=now_epoch_seconds)

    def deliver_events(self) -> tuple[Delivered, ...]:
        """Deliver what happened, and what functions invoke asynchronously, until all is quiet.

        Returns:
            What was invoked, in order. Nothing is delivered by itself.
        """
        return _opened(self._delivery).deliver()

    def kill_at(
        self, function_name: str, operation: str, *, after: bool = False, calls: int = 1
    ) -> None:
        """Let the next invocation that makes a certain API call end there, as by a crash.

        Args:
            function_name: Of which function.
            operation: Such as LaunchInstances.
            after: Whether the call is made first. Default: it is not.
            calls: At which call of that operation, counted from 1. Default: the first.
        """
        crash = Crash(operation=operation, after=after, calls=calls)
        _opened(self._functions).kill_at(function_name, crash)

    def age_sdk(self, *unknown_operations: str) -> None:
        """Let functions run on a runtime whose SDK is too old to know some operations.

        An SDK that a function brings with it is left alone.

        Args:
            unknown_operations: Such as autoscaling:LaunchInstances. Default: it knows all.
        """
        _opened(self._functions).age_sdk(*unknown_operations)

    def clear_faults(self) -> None:
        """End every fault of the world, of metrics and of the runtime."""
        self.world.clear_faults()
        self.metrics.clear_faults()
        self.age_sdk()

    def logs(self, function_name: str) -> list[str]:
        """The latest lines that a function printed, oldest first."""
        return _opened(self._functions).logs(function_name)

    def missing_resources(self, cdk_out: Path) -> tuple[str, ...]:
        """Resources of the templates in a cloud assembly that do not exist here.

        Args:
            cdk_out: Folder of the assembly.
        """
        return missing_resources(self.client("cloudformation"), cdk_out)

    def _open(self, stack: ExitStack) -> None:
        moto_api_backend.reset()
        stack.callback(moto_api_backend.reset)
        server = _listen(self._port)
        stack.callback(server.close)  # if anything below fails
        self._endpoint_url = f"http://localhost:{server.port}"
        self._functions = Functions(
            environment=self.environment,
            on_log=lambda line: publish_embedded(line, store=self.metrics),
        )
        self._firing = Firing(functions=self._functions, account=ACCOUNT, region=self.region)
        self._delivery = Delivery(
            world=self.world, functions=self._functions, account=ACCOUNT, region=self.region
        )
        stack.enter_context(installed(self.world, metrics=self.metrics))
        stack.enter_context(metrics_installed(self.metrics))
        stack.enter_context(
            installed_types(
                clients=self.client,
                invoke=self._functions.invoke,
                drained=lambda group: empty(self.client("autoscaling"), group, world=self.world),
            )
        )
        stack.callback(server.close)
        stack.callback(self._clients.close)
        stack.callback(self._firing.close)
        stack.enter_context(self._functions.installed())
        server.start()


class _Clients:
    """Makes one boto3 client per service of a local AWS, and keeps it. Safe to share."""

    def __init__(self, *, region: str) -> None:
        self._region = region
        self._lock = threading.Lock()
        self._clients: dict[str, Client] = {}

    def get(self, service: str, *, endpoint_url: str) -> Client:
        """Return the client of a service; no call is repeated."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.Session().client(
                    service,
                    region_name=self._region,
                    endpoint_url=endpoint_url,
                    aws_access_key_id="testing",
                    aws_secret_access_key="testing",  # noqa: S106 - nothing checks it
                    config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
                )
            return self._clients[service]

    def close(self) -> None:
        """Close every client and forget it."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()


def _opened(part: T | None) -> T:
    if part is None:
        raise RuntimeError("the local AWS is not open")
    return part


def _listen(port: int) -> MotoServer:
    try:
        return MotoServer(port=port)
    except OSError:
        server = MotoServer(port=0)
        _logger.warning("port %d is busy, using %d instead", port, server.port)
        return server
