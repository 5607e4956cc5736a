from __future__ import annotations

from aws_cdk import Duration, IStableAnyProducer, Lazy, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet import _numpy
from peakfleet._assets import runtime_code
from peakfleet._payload import payload
from peakfleet._spec import SpecDocument
from peakfleet.foresight import Foresight
from peakfleet.state import FleetState
from peakfleet_planner import SpecError
from peakfleet_planner.foresight import basis_of

_EVERY = Duration.hours(1)
_TIMEOUT = Duration.minutes(10)
_MEMORY_MIB = 1769  # one whole processor; two weeks take about ten seconds of it
_RUNTIME = lambda_.Runtime.PYTHON_3_13
_ARCHITECTURE = lambda_.Architecture.ARM_64
_LAYER_ID = "PeakFleetNumpy"


def define_learner(
    scope: Construct,
    document: SpecDocument,
    *,
    foresight: Foresight,
    state: FleetState,
    dead_letters: sqs.IQueue,
) -> Learner | None:
    """Define what learns for a fleet, if it may and its demand can be foreseen.

    Raises:
        SpecError: The specification contradicts itself, or numpy cannot be fetched.
    """
    spec = document.spec
    if not foresight.learns or basis_of(spec) is None:
        return None
    return Learner(
        scope, "Learner", fleet=spec.fleet, spec=document, state=state, dead_letters=dead_letters
    )


class Learner(Construct):
    """What learns the demand of one fleet: function, role, hourly schedule, log group.

    Args:
        fleet: Name of the fleet.
        spec: Produces the specification in JSON form at the end of the synth.
        state: What the model is kept in.
        dead_letters: Where lessons go that could not be delivered or failed.

    Raises:
        SpecError: The learner's numpy is not on this machine and cannot be fetched.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: str,
        spec: IStableAnyProducer,
        state: FleetState,
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        layer = _numpy_layer(self)
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Learns the demand of the fleet {fleet}",
        )
        log_group.grant_write(role)
        state.grant_put(role, fleet=fleet)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["cloudwatch:GetMetricData"],
                resources=["*"],  # AWS knows no narrower resource for this read
            )
        )
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Learns the demand of the fleet {fleet} every hour",
            runtime=_RUNTIME,
            architecture=_ARCHITECTURE,
            handler="peakfleet_handlers.learn.handler",
            code=runtime_code(self),
            layers=[layer],
            role=role,
            memory_size=_MEMORY_MIB,
            timeout=_TIMEOUT,
            log_group=log_group,
            # The next lesson is the retry.
            retry_attempts=0,
            max_event_age=_EVERY,
            dead_letter_queue=dead_letters,
        )
        scheduler.Schedule(
            self,
            "Schedule",
            description=f"The lesson of the fleet {fleet}",
            schedule=scheduler.ScheduleExpression.rate(_EVERY),
            time_window=scheduler.TimeWindow.off(),
            target=targets.LambdaInvoke(
                self.function,
                input=scheduler.ScheduleTargetInput.from_object(payload(Lazy.any(spec))),
                max_event_age=_EVERY,
                retry_attempts=1,
                dead_letter_queue=dead_letters,
            ),
        )


def _numpy_layer(scope: Construct) -> lambda_.ILayerVersion:
    """Return the layer that the learners of a stack share, defining it once."""
    stack = Stack.of(scope)
    found = stack.node.try_find_child(_LAYER_ID)
    if isinstance(found, lambda_.LayerVersion):
        return found
    try:
        file = _numpy.fetch()
    except RuntimeError as error:
        raise SpecError(
            f"foresight needs numpy for Lambda, which is not at {_numpy.layer_file()} and "
            f"cannot be fetched now: run `{_numpy.FETCH_COMMAND}` once with a network, "
            f"or say foresight=Foresight.off(). {error}"
        ) from error
    return lambda_.LayerVersion(
        stack,
        _LAYER_ID,
        description=f"numpy {_numpy.VERSION} for what learns demand",
        # The hash is of what was fetched, not of how this machine has compressed it.
        code=lambda_.Code.from_asset(str(file), asset_hash=_numpy.ASSET_HASH),
        compatible_runtimes=[_RUNTIME],
        compatible_architectures=[_ARCHITECTURE],
        license="BSD-3-Clause",
    )
