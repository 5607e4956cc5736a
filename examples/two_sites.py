"""Two data centres carry everyday demand; each reports for itself, and a lost one is its own share.

On a host of each site runs `peakfleet report-baseline`, with the identity that is made for it here.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import (
    Baseline,
    BurstFleet,
    CapacityPool,
    DemandSignal,
    DownstreamLimit,
    Maintenance,
    ReporterIdentity,
    ReporterTrust,
    Site,
)

# Of the authority that signs the certificates of the hosts; read yours from a file.
AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def _site(namespace: str, units: float, *maintenance: Maintenance) -> Baseline:
    return Baseline.reported(
        namespace=namespace,
        metric_name="HealthyUnits",
        declared_units=units,
        heartbeat="Reporting",
        maintenance=maintenance,
    )


class TwoSites(Stack):
    """One fleet above what Frankfurt and Amsterdam carry together."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        trust = ReporterTrust.certificates(AUTHORITY)
        for site in ("fra", "ams"):
            one = ReporterIdentity(self, site, site=site, namespace=f"OnPrem/{site}", trust=trust)
            trust = ReporterTrust.anchor(str(one.trust_anchor_arn))
        night = datetime(2027, 3, 7, 2, tzinfo=ZoneInfo("Europe/Berlin"))
        switches = Maintenance("switches", start=night, duration=Duration.hours(3))
        requests = cloudwatch.Metric(namespace="Web", metric_name="Requests")
        connections = cloudwatch.Metric(namespace="Web", metric_name="Connections")
        self.web = BurstFleet(
            self,
            "Web",
            vpc=ec2.Vpc(self, "Network", max_azs=3),
            baseline=Baseline.sites(
                Site("fra", _site("OnPrem/fra", 3000, switches)),
                Site("ams", _site("OnPrem/ams", 2000)),
            ),
            signals=[DemandSignal.metric(requests)],
            pools=[CapacityPool.graviton("c8g.2xlarge", units_per_instance=250, max_instances=40)],
            downstream_limits=[DownstreamLimit.of("database", connections, at_most=900)],
        )


if __name__ == "__main__":
    app = App()
    TwoSites(app, "TwoSites")
    app.synth()
