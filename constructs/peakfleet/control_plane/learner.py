from __future__ import annotations

from aws_cdk import Duration, IStableAnyProducer, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from peakfleet.control_plane import numpy_layer as _numpy
from peakfleet.control_plane.fleet_spec import SpecDocument
from peakfleet.control_plane.function import ARCHITECTURE, RUNTIME
from peakfleet.control_plane.repeated import RepeatedFunction, may_read_metrics
from peakfleet.control_plane.state import FleetState
from peakfleet.policy import Foresight
from peakfleet_planner import SpecError
from peakfleet_planner.forecast import basis_of

_TIMEOUT = Duration.minutes(10)
_MEMORY_MIB = 1769  # one whole processor; two weeks take about ten seconds of it
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


class Learner(RepeatedFunction):
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
        super().__init__(
            scope,
            construct_id,
            purpose=f"Learns the demand of the fleet {fleet} every hour",
            handler="peakfleet_handlers.learn.handler",
            every=Duration.hours(1),
            timeout=_TIMEOUT,
            memory_mib=_MEMORY_MIB,
            spec=spec,
            dead_letters=dead_letters,
            layers=[_numpy_layer(scope)],
        )
        state.grant_query_and_put(self.role, fleet=fleet)
        self.role.add_to_policy(may_read_metrics())


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
        compatible_runtimes=[RUNTIME],
        compatible_architectures=[ARCHITECTURE],
        license="BSD-3-Clause",
    )
