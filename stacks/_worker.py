"""What makes an instance of a fleet a worker: its program, its logs, its permissions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns
from constructs import Construct

from peakfleet import BurstFleet, ReporterIdentity, ReporterTrust, SpecError
from peakfleet.findings import acknowledge
from stacks.network import NetworkStack
from stacks.settings import Settings

PROGRAMS = Path(__file__).parent / "workers"
NAMESPACE = "PeakFleet/Workers"
PORT = 8080
"""Where the HTTP programs listen."""


def grant_put_metrics(grantee: iam.IGrantable, *namespaces: str) -> iam.Grant:
    """Let *grantee* publish metrics, in these namespaces only."""
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["cloudwatch:PutMetricData"],
        resource_arns=["*"],  # PutMetricData knows no resources, only namespaces
        conditions={"StringEquals": {"cloudwatch:namespace": [*namespaces]}},
    )


def let_report(scope: Construct, settings: Settings, network: NetworkStack, **sites: str) -> None:
    """Let the company's hosts report baselines, if the settings name their authority.

    Args:
        scope: The stack.
        settings: With the authority.
        network: Who is told of certificates that expire.
        sites: Namespaces, by the name that is in the certificate.
    """
    if settings.reporter_authority is None:
        return
    try:
        pem = Path(settings.reporter_authority).read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(f"reporter_authority must be a file that can be read: {error}") from error
    for site, namespace in sites.items():
        ReporterIdentity(
            scope,
            f"Reporter-{site}",
            site=site,
            namespace=namespace,
            trust=ReporterTrust.certificates(pem),
            alarm_topic=network.alarm_topic,
        )


def certificate_of(scope: Construct, settings: Settings) -> acm.ICertificate | None:
    """Return the certificate that the settings name; None if they name none."""
    arn = settings.certificate_arn
    return None if arn is None else acm.Certificate.from_certificate_arn(scope, "Tls", arn)


class Worker(Construct):
    """The program that the instances of a fleet run.

    Writes the fleet's user data, which fetches the programs, installs what they need and starts
    one of them under systemd. Defines a log group for its output, and an alarm for machines
    that could not boot. Such a machine switches itself off, so that its group replaces it and
    it never counts as capacity.

    Args:
        fleet: Whose instances run the program. It is granted what program and boot need.
        program: Module of `stacks/workers`, for example `queue_worker`.
        environment: The program's own environment variables.
        namespace: Of the program's metrics. Default: `PeakFleet/Workers/` and the fleet's name.
        packages: Amazon Linux 2023 packages that it needs besides boto3. Default: none.
        alarm_topic: Where the alarm goes.

    Limitations:
        Instances need the S3, CloudWatch and CloudWatch Logs endpoints of the network stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: BurstFleet,
        program: str,
        environment: Mapping[str, str],
        alarm_topic: sns.ITopic,
        namespace: str | None = None,
        packages: tuple[str, ...] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        own = f"{NAMESPACE}/{fleet.fleet_name}"
        namespace = namespace or own
        programs = assets.Asset(
            self,
            "Programs",
            path=str(PROGRAMS),
            exclude=["**/__pycache__", "*.pyc", "ruff.toml", ".ruff_cache"],
        )
        output = logs.LogGroup(
            self,
            "Output",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            output, {"CloudWatchLogGroupEncrypted": "encrypted with the key of CloudWatch Logs"}
        )
        # Not `grant_read`, which would open the assets of everybody in the account.
        iam.Grant.add_to_principal(
            grantee=fleet,
            actions=["s3:GetObject"],
            resource_arns=[programs.bucket.arn_for_objects(programs.s3_object_key)],
        )
        output.grant_write(fleet)
        grant_put_metrics(fleet, *sorted({own, namespace}))
        fleet.user_data.add_commands(
            *_boot_commands(
                fleet=fleet.fleet_name,
                programs_url=programs.s3_object_url,
                environment={
                    "PEAKFLEET_PROGRAM": f"workers.{program}",
                    "PEAKFLEET_PACKAGES": " ".join(packages),
                    "PEAKFLEET_LOG_GROUP": output.log_group_name,
                    "PEAKFLEET_FLEET": fleet.fleet_name,
                    "PEAKFLEET_NAMESPACE": namespace,
                    "PEAKFLEET_WORK_NAMESPACE": own,
                    "AWS_DEFAULT_REGION": Aws.REGION,
                    **environment,
                },
            )
        )
        self._alarm_of_failed_boots(fleet.fleet_name, alarm_topic)

    def _alarm_of_failed_boots(self, fleet: str, topic: sns.ITopic) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "BootFailures",
            metric=cloudwatch.Metric(
                namespace=f"{NAMESPACE}/{fleet}",
                metric_name="BootFailures",
                dimensions_map={"Fleet": fleet},
                statistic="Sum",
                period=Duration.minutes(5),
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=(cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD),
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=(
                f"New machines of {fleet} cannot boot, so the fleet cannot grow. Read the console "
                "output of a terminated instance (get-console-output). Usual causes: an artefact "
                "that the settings name is missing, or the S3 endpoint is not reachable."
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(topic))


def _boot_commands(
    *, fleet: str, programs_url: str, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the user data after its first line. Values must not hold a single quote."""
    settings = "\n".join(f"{name}='{value}'" for name, value in environment.items())
    return (
        "set -Eeuo pipefail",
        f"export AWS_DEFAULT_REGION='{Aws.REGION}'",
        "boot_failed() {",
        f"  aws cloudwatch put-metric-data --namespace '{NAMESPACE}/{fleet}' \\",
        f"    --metric-name BootFailures --value 1 --dimensions 'Fleet={fleet}' || true",
        "  shutdown -h now",
        "}",
        "trap boot_failed ERR",
        "install -d /opt/peakfleet/workers",
        f"aws s3 cp --only-show-errors '{programs_url}' /opt/peakfleet/workers.zip",
        "python3 -m zipfile -e /opt/peakfleet/workers.zip /opt/peakfleet/workers",
        f"cat >/etc/peakfleet.env <<'SETTINGS'\n{settings}\nSETTINGS",
        "bash /opt/peakfleet/workers/boot.sh",
    )
