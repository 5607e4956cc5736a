"""Settings of the reference app: one block of `cdk.json` context for each environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar


class Chip(StrEnum):
    """What a pool's instances run on."""

    GRAVITON = "graviton"
    X86 = "x86"
    INFERENTIA = "inferentia"
    TRAINIUM = "trainium"


class PurchaseOption(StrEnum):
    """How a pool's instances are bought."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"


def _least(bound: float) -> Any:  # noqa: ANN401  dataclasses.field is typed as Any as well
    return field(metadata={"least": bound})


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What instances cost, to order pools and to report cost. Never a bill.

    Args:
        source: Where the figures come from.
        date: Day of the source, ISO 8601.
        usd_per_hour: On-demand price by instance type.
        spot_saving: Share saved by Spot, by instance type. Default: no Spot price is known.
    """

    source: str
    date: str
    usd_per_hour: Mapping[str, float]
    spot_saving: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSettings:
    """Addresses.

    Args:
        cidr: The VPC's own addresses, a /16 to a /22.
        on_premises_cidr: The company's addresses; only they reach relays and edges.
        s3_prefix_list: Id of S3's prefix list in the region, which
            `aws ec2 describe-prefix-lists` tells: with it instances reach nothing but the VPC
            and S3. Default: HTTPS to every address that the subnets have a route to.
        vpn_router: Public address of the company's VPN router: a transit gateway is defined and
            connected to it. Default: the way to the company is not defined here.
        direct_connect_gateway: Id of the company's Direct Connect gateway, to connect to it
            instead. Default: as above.
    """

    cidr: str
    on_premises_cidr: str
    s3_prefix_list: str | None = None
    vpn_router: str | None = None
    direct_connect_gateway: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """One pool of a fleet.

    Args:
        chip: `graviton`, `x86`, `inferentia` or `trainium`.
        instance_types: Types that serve the same units; any of them may be launched.
        units_per_instance: Units that one instance serves.
        max_instances: Most instances.
        purchase: `on_demand` or `spot`. Default: on demand.
        min_instances: Instances that always run, for what must serve at once. Default: none.
        warm_instances: Most instances that wait stopped, of an on-demand pool of one type.
            Default: none.
        canary_share: Share of the wanted units that an x86 pool serves while demand bursts, so
            that chips can be compared. Default: 0.
    """

    chip: Chip
    instance_types: tuple[str, ...]
    units_per_instance: float = _least(1)
    max_instances: int = _least(1)
    purchase: PurchaseOption = PurchaseOption.ON_DEMAND
    min_instances: int = 0
    warm_instances: int = 0
    canary_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPeakSettings:
    """A peak that somebody has announced.

    Args:
        name: Unique within the fleet.
        start: When it begins, ISO 8601 with a time zone.
        minutes: How long it lasts.
        units: Demand to be ready for; a rough estimate is better than none.
        uncertainty: By which share of that it may turn out otherwise. Default: 0.
    """

    name: str
    start: str
    minutes: float = _least(1)
    units: float = _least(1)
    uncertainty: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """What every fleet has.

    Args:
        baseline_units: Units that the on-premises side carries when all is well.
        pools: What it bursts into, in the order in which it is filled.
        known_peaks: What has been announced. Default: nothing.
    """

    baseline_units: float = _least(0)
    pools: tuple[PoolSettings, ...]
    known_peaks: tuple[KnownPeakSettings, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings(FleetSettings):
    """A fleet that drains a queue; its unit is a slot that works on one job at a time.

    Args:
        seconds_per_job: Seconds in which one slot finishes one job.
        drain_within_minutes: A job that waits longer is late.
    """

    seconds_per_job: float = _least(0.1)
    drain_within_minutes: float = _least(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataSettings:
    """The metadata store of the file service.

    Args:
        least_capacity_units: Aurora capacity units when it is idle; RDS Proxy keeps it from
            pausing, so that 0.5 is the least.
        most_capacity_units: Aurora capacity units at most.
        busy_connections: At so many connections in use no fleet grows.
        most_connections: At so many the fleets are cut.
        connections_per_unit: Connections that one unit of a fleet uses.
    """

    least_capacity_units: float = _least(0.5)
    most_capacity_units: float = _least(1)
    busy_connections: float = _least(1)
    most_connections: float = _least(1)
    connections_per_unit: float = _least(0.001)


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscodeSettings(QueueSettings):
    """The transcoding fleet.

    Args:
        ffmpeg_prefix: Where the operator keeps ffmpeg in the artefact bucket: a static build at
            `<prefix>/aarch64/ffmpeg` and one at `<prefix>/x86_64/ffmpeg`.
    """

    ffmpeg_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings(FleetSettings):
    """The live fleet; its unit is one concurrent stream.

    Args:
        on_premises_edges: Private IPv4 addresses of the company's own edges.
        plausible_max_streams: A count above it is rejected as a fault of the measurement.
    """

    on_premises_edges: tuple[str, ...]
    plausible_max_streams: float = _least(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceSettings(FleetSettings):
    """The inference fleet; its unit is one request per second.

    Args:
        model_prefix: Where the operator keeps the model in the bucket of models: an archive for
            each chip at `<prefix>/<chip>/model.tar.gz`.
        latency_goal_ms: Mean latency, in milliseconds, at which a machine serves its units.
        on_premises_servers: Private IPv4 addresses of the company's own servers.
    """

    model_prefix: str
    latency_goal_ms: float = _least(1)
    on_premises_servers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """The training fleet.

    Args:
        instance_type: For example `trn2.48xlarge`.
        machines: How many of them train together.
        zone: Which of the network's zones has the capacity, 0 to 2.
        program: Where the operator keeps the program: `programs/<program>.tar.gz` in the bucket.
        run: Name of the training run, one for each.
        capacity_block: Id of the reservation of the capacity block. Default: on demand.
    """

    instance_type: str
    machines: int = _least(1)
    zone: int = _least(0)
    program: str
    run: str
    capacity_block: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionSettings:
    """One of several regions that serve the same.

    Args:
        region: Such as `eu-central-1`.
        share: Of the company's baselines and of all traffic; the shares of all regions are at most
            1 together.
        cidr: The VPC's own addresses there.
        certificate_arn: As in `Settings`, of this region. Default: none.
        s3_prefix_list: As in `NetworkSettings`, of this region. Default: none.
    """

    region: str
    share: float = _least(0.01)
    cidr: str
    certificate_arn: str | None = None
    s3_prefix_list: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NameSettings:
    """The name by which viewers reach the live fleet of every region, in Route 53.

    Args:
        zone_id: Id of the hosted zone.
        zone_name: Such as `example.com`.
        record_name: The name within the zone, such as `live`.
    """

    zone_id: str
    zone_name: str
    record_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything in which environments differ.

    Args:
        environment: Name of the environment.
        network: Addresses.
        prices: Instance prices.
        ingest: Checksums and thumbnails of arriving files.
        sync: Upload relays; the unit is one megabyte (1,000,000 bytes) per second.
        transcode: Video transcoding.
        live: Live streaming.
        inference: Search ranking, recommendations and image analysis. Default: not deployed.
        training: Training of models. Default: not deployed.
        metadata: The metadata store of the file service, which limits its fleets. Default: not
            deployed.
        alarm_email: Who is told of alarms. Default: nobody is subscribed to the topic.
        certificate_arn: Certificate in ACM, of the region, for relays, edges and inference: their
            load balancers then speak TLS on port 443. Default: they speak plain HTTP, which
            is for a line to the company that is encrypted itself.
        reporter_authority: File with the certificates of the company's own authority: whoever
            has one of its certificates, named after a fleet, may report that fleet's baseline.
            Default: the managed policies of the stacks say who may.
        deletion_protection: Whether stacks and load balancers refuse to be deleted. Default: yes.
        regions: Where it is deployed, one region at a time: `-c region=NAME` says which. Default:
            the region of whoever deploys, with all of every baseline.
        live_name: The name that leads to the live fleet of every region. Default: none, so that
            traffic between regions is moved by other means.
        region: The region of these settings; never set in `cdk.json`. Default: not said.
    """

    environment: str
    network: NetworkSettings
    prices: Prices
    ingest: QueueSettings
    sync: FleetSettings
    transcode: TranscodeSettings
    live: LiveSettings
    inference: InferenceSettings | None = None
    training: TrainingSettings | None = None
    metadata: MetadataSettings | None = None
    alarm_email: str | None = None
    certificate_arn: str | None = None
    reporter_authority: str | None = None
    deletion_protection: bool = True
    regions: tuple[RegionSettings, ...] = ()
    live_name: NameSettings | None = None
    region: str | None = None

    @property
    def share(self) -> float:
        """Share of the baselines, and of the traffic, that is this region's."""
        return next((one.share for one in self.regions if one.region == self.region), 1.0)

    def in_region(self, name: str) -> Settings:
        """Return the settings of one region: its addresses, and its share of what is carried.

        Raises:
            LookupError: It is none of the regions.
        """
        here = next((one for one in self.regions if one.region == name), None)
        if here is None:
            raise LookupError(name)
        return replace(
            self,
            region=name,
            network=replace(self.network, cidr=here.cidr, s3_prefix_list=here.s3_prefix_list),
            certificate_arn=here.certificate_arn,
            ingest=_part(self.ingest, here.share),
            sync=_part(self.sync, here.share),
            transcode=_part(self.transcode, here.share),
            live=_part(self.live, here.share),
            inference=None if self.inference is None else _part(self.inference, here.share),
        )


_Fleet = TypeVar("_Fleet", bound=FleetSettings)


def _part(fleet: _Fleet, share: float) -> _Fleet:
    """Return a fleet with its share of the baseline and of each peak; its maxima are its own."""
    return replace(
        fleet,
        baseline_units=fleet.baseline_units * share,
        known_peaks=tuple(replace(peak, units=peak.units * share) for peak in fleet.known_peaks),
    )
