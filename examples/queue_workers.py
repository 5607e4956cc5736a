"""Workers that drain a queue within ten minutes, on Spot first; our own servers do their part."""

from aws_cdk import App, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from peakfleet import Baseline, CapacityPool, Drain, Purchase, QueueFleet


class QueueWorkers(Stack):
    """One queue, two pools."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.workers = QueueFleet(
            self,
            "Workers",
            vpc=ec2.Vpc(self, "Network", max_azs=3),
            seconds_per_message=45,
            drain_within=Duration.minutes(10),
            baseline=Baseline.fixed(24),  # messages that our own servers work on at a time
            drain=Drain.when_idle(at_most=Duration.minutes(15)),
            pools=[
                CapacityPool.graviton(
                    "c8g.2xlarge",
                    "c7g.2xlarge",
                    units_per_instance=8,
                    max_instances=40,
                    purchase=Purchase.spot(),
                ),
                CapacityPool.graviton("c8g.2xlarge", units_per_instance=8, max_instances=20),
            ],
        )
        self.workers.user_data.add_commands(
            f"echo QUEUE_URL={self.workers.queue.queue_url} >>/etc/environment",
            "systemctl enable --now worker",
        )


if __name__ == "__main__":
    app = App()
    QueueWorkers(app, "QueueWorkers")
    app.synth()
