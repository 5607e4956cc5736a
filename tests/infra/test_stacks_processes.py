"""The worker programs of the reference app, started as systemd starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

STACKS = Path(__file__).parents[2] / "stacks"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def test_the_queue_worker_as_systemd_starts_it_ingests_a_file_and_stops_on_sigterm(
    endpoint: str,
) -> None:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    s3, sqs, cloudwatch = (
        session.client(name, endpoint_url=endpoint) for name in ("s3", "sqs", "cloudwatch")
    )
    s3.create_bucket(Bucket="files")
    s3.put_object(Bucket="files", Key="incoming/a.txt", Body=b"hello")
    queue_url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    event = {
        "Records": [{"s3": {"bucket": {"name": "files"}, "object": {"key": "incoming/a.txt"}}}]
    }
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(event))
    worker = subprocess.Popen(
        [sys.executable, "-m", "workers.queue_worker"],
        cwd=STACKS,
        env={
            **environment,
            "PEAKFLEET_QUEUE_URL": queue_url,
            "PEAKFLEET_JOB": "workers.ingest_job",
            "PEAKFLEET_NAMESPACE": "PeakFleet/Workers",
            "PEAKFLEET_FLEET": "Storage/Ingest",
            "PEAKFLEET_POLL_SECONDS": "1",
        },
    )
    try:
        deadline = time.monotonic() + 60
        while s3.list_objects_v2(Bucket="files", Prefix="checksums/")["KeyCount"] == 0:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        worker.send_signal(signal.SIGTERM)
        status = worker.wait(60)
    assert status == 0
    metrics = cloudwatch.list_metrics(Namespace="PeakFleet/Workers")["Metrics"]
    assert {"JobsDone", "BusySlots", "Slots"} <= {one["MetricName"] for one in metrics}
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=attributes)["Attributes"]
    assert set(left.values()) == {"0"}
