"""A media inference service: search ranking, recommendations and image analysis."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from peakfleet import Baseline, Endpoint, InferenceFleet, Model, ServiceLevel
from peakfleet.inference import MODEL_FOLDER
from stacks._bucket import access_log_bucket, private_bucket
from stacks._findings import acknowledge_grants
from stacks._pools import known_peaks_of, pools_of
from stacks._worker import PORT, Worker, certificate_of, grant_put_metrics, let_report
from stacks.network import NetworkStack
from stacks.settings import InferenceSettings, Settings

ROOT_VOLUME_GIB = 100
"""The image of the Neuron SDK, and an unpacked model."""

_PREPARATIONS = (
    # There is no way to the Neuron repository that the image may know, and none is needed.
    "echo skip_if_unavailable=True >>/etc/dnf/dnf.conf",
    # The server may use the chips, where there are any.
    "groupadd --force --system neuron",
    "install -d /etc/systemd/system/peakfleet.service.d",
    "printf '[Service]\\nSupplementaryGroups=neuron\\n' \\",
    "  >/etc/systemd/system/peakfleet.service.d/neuron.conf",
)


class InferenceStack(Stack):
    """Models answer requests; a fleet takes over what the company's own servers cannot carry.

    Defines a bucket of models, the `Models` fleet (Inferentia2, then Trainium, then Graviton)
    behind an internal load balancer that fills the company's own servers first, and a managed
    policy for those servers. Ranking, recommendations and image analysis are paths of one
    service, served by the program in the model's archive.

    Args:
        settings: Sizes, baseline and model.
        app: What all stacks share.
        network: Where the fleet runs and whom it alarms.

    Limitations:
        There is no model in here. The operator compiles one for each chip and puts the archives,
        each with a program `serve`, into the bucket; see `workers/inference_server.py` for what
        it must do. Until then instances switch themselves off and raise an alarm. What
        an instance serves, `units_per_instance`, is the operator's to measure with that model.
        The company must report `HealthyUnits` and `Reporting` (docs/hybrid.md) in
        `OnPrem/Inference-prod` once a minute; `prod` stands for the environment.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: InferenceSettings,
        app: Settings,
        network: NetworkStack,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stack_name=network.name_of(construct_id),
            env=network.deployed_in,
            description="Inference for media services",
            termination_protection=app.deletion_protection,
        )
        self.models = private_bucket(
            self, "ModelArchives", access_logs=access_log_bucket(self, "AccessLogs")
        )
        self.on_premises = iam.ManagedPolicy(
            self, "OnPremises", description="What the company's own inference servers may do"
        )
        namespace = network.name_of("OnPrem/Inference")
        grant_put_metrics(self.on_premises, namespace)
        self.models.grant_read(self.on_premises, f"{settings.model_prefix}/*")
        let_report(self, app, network, inference=namespace)
        acknowledge_grants(self, self.on_premises)
        self.inference = InferenceFleet(
            self,
            "Models",
            vpc=network.vpc,
            pools=pools_of(settings, app.prices, root_volume_gib=ROOT_VOLUME_GIB),
            known_peaks=known_peaks_of(settings),
            # A machine takes ten minutes to boot and load its model, and may not wait stopped, so a
            # floor is the lead time: two machines, and more on an evening that is announced.
            service_level=ServiceLevel.custom(unserved_cost=17, hold=Duration.minutes(10)),
            model=Model.in_bucket(self.models, prefix=settings.model_prefix),
            latency_goal=Duration.millis(settings.latency_goal_ms),
            endpoint=Endpoint.internal(
                on_premises_targets=settings.on_premises_servers,
                clients=ec2.Peer.ipv4(app.network.on_premises_cidr),
                deletion_protection=app.deletion_protection,
                certificate=certificate_of(self, app),
            ),
            port=PORT,
            baseline=Baseline.reported(
                namespace=namespace,
                metric_name="HealthyUnits",
                heartbeat="Reporting",
                declared_units=settings.baseline_units,
            ),
            security_groups=[
                network.security_group(Construct(self, "ModelNetwork"), description="Models")
            ],
            alarm_topic=network.alarm_topic,
        )
        self.inference.user_data.add_commands(*_PREPARATIONS)
        Worker(
            self,
            "ModelWorker",
            fleet=self.inference.fleet,
            program="inference_server",
            environment={"PEAKFLEET_MODEL": MODEL_FOLDER},
            alarm_topic=network.alarm_topic,
        )
