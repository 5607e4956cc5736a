"""A machine of an Auto Scaling group: its metadata service, its group, its clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

INSTANCE, GROUP, REGION = "i-0123456789abcdef0", "Media-Transcode", "eu-west-1"
DRAIN_HOOK, READY_HOOK = "peakfleet-drain", "peakfleet-ready"
HEARTBEAT_SECONDS, READY_SECONDS = 300.0, 900.0
NO_ACTION = "No active Lifecycle Action found with instance ID"
_WAITS_FOR = {
    "Pending:Wait": READY_HOOK,
    "Terminating:Wait": DRAIN_HOOK,
    "Warmed:Pending:Wait": DRAIN_HOOK,
}
_ABANDONED = {
    "Pending:Wait": "Replaced",
    "Terminating:Wait": "Terminating:Retained",
    "Warmed:Pending:Wait": "Warmed:Pending:Retained",
}


class FakeMetadata:
    """The items of a metadata service that answers to tokens only. Forgets tokens on demand."""

    def __init__(self) -> None:
        self.items = {
            "instance-id": INSTANCE,
            "placement/region": REGION,
            "placement/availability-zone": f"{REGION}a",
            "tags/instance/aws:autoscaling:groupName": GROUP,
            "autoscaling/target-lifecycle-state": "InService",
        }
        self.tokens: list[str] = []
        self.is_down = False
        self.url = ""

    def forget_tokens(self) -> None:
        self.tokens = [f"forgotten {len(self.tokens)}"]

    @contextmanager
    def served(self) -> Iterator[FakeMetadata]:
        """Answer on a port of this machine."""
        fake = self

        class Answers(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                assert self.path == "/latest/api/token"
                assert self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600"
                fake.tokens.append(f"token {len(fake.tokens)}")
                self._answer(200, fake.tokens[-1])

            def do_GET(self) -> None:
                item = self.path.removeprefix("/latest/meta-data/")
                if fake.is_down:
                    self._answer(503, "")
                elif self.headers["X-aws-ec2-metadata-token"] not in fake.tokens:
                    self._answer(401, "")
                elif item in fake.items:
                    self._answer(200, fake.items[item])
                else:
                    self._answer(404, "")

            def _answer(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        with _running(Answers) as self.url:
            yield self


class FakeGroup:
    """An Auto Scaling group of one machine, with its hooks and a clock that only tests move.

    Speaks as boto3's client does, and over HTTP as AWS does.
    """

    def __init__(self, metadata: FakeMetadata) -> None:
        self._metadata = metadata
        self.clock = 1_000_000.0
        self.state = "InService"
        self.is_protected = False
        self.is_broken = False
        self.calls: list[str] = []
        self.url = ""
        self._lapses_at = 0.0

    @property
    def now(self) -> float:
        return self.clock

    def launch(self) -> None:
        self.state, self._lapses_at = "Pending:Wait", self.clock + READY_SECONDS

    def scale_in(self) -> bool:
        """Let the machine go, unless it is protected; return whether it goes."""
        if not self.is_protected:
            self.let_go()
        return not self.is_protected

    def let_go(self) -> None:
        self.state, self._lapses_at = "Terminating:Wait", self.clock + HEARTBEAT_SECONDS
        self._metadata.items["autoscaling/target-lifecycle-state"] = "Terminated"

    def take_back(self, pool_state: str = "Stopped") -> None:
        """Let the machine go to the warm pool, as where a group reuses what it lets go."""
        self.state, self._lapses_at = "Warmed:Pending:Wait", self.clock + HEARTBEAT_SECONDS
        self._metadata.items["autoscaling/target-lifecycle-state"] = f"Warmed:{pool_state}"

    def start(self) -> None:
        """Put the machine that waits into service."""
        assert self.state in ("Warmed:Stopped", "Warmed:Running")
        self._metadata.items["autoscaling/target-lifecycle-state"] = "InService"
        self.launch()

    def wait(self, seconds: float) -> None:
        """Let time pass; a hook that lapses is abandoned."""
        self.clock += seconds
        if self.clock >= self._lapses_at:
            self.state = _ABANDONED.get(self.state, self.state)

    def complete_lifecycle_action(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        self._called("complete", request, {"LifecycleActionResult": "CONTINUE"})
        self._check_waits(request["LifecycleHookName"])
        self.state = self._metadata.items["autoscaling/target-lifecycle-state"]
        return {}

    def record_lifecycle_action_heartbeat(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        self._called("heartbeat", request, {})
        self._check_waits(request["LifecycleHookName"])
        self._lapses_at = self.clock + HEARTBEAT_SECONDS
        return {}

    def set_instance_protection(self, **request: Any) -> object:  # noqa: ANN401  boto3's own shapes
        wanted = request["ProtectedFromScaleIn"]
        self.calls.append("protect" if wanted else "unprotect")
        self._fail_if_broken()
        assert (request["AutoScalingGroupName"], request["InstanceIds"]) == (GROUP, [INSTANCE])
        if self.state != "InService":
            raise ValueError("The instance is not in InService or EnteringStandby or Standby.")
        self.is_protected = wanted
        return {}

    @contextmanager
    def served(self) -> Iterator[FakeGroup]:
        """Answer on a port of this machine, in the protocol of the Auto Scaling API."""
        group = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                asked = {name: values[0] for name, values in form.items()}
                action = asked["Action"]
                if action == "SetInstanceProtection":
                    group.set_instance_protection(
                        AutoScalingGroupName=asked["AutoScalingGroupName"],
                        InstanceIds=form["InstanceIds.member.1"],
                        ProtectedFromScaleIn=asked["ProtectedFromScaleIn"] == "true",
                    )
                elif action == "CompleteLifecycleAction":
                    group.complete_lifecycle_action(**asked)
                else:
                    group.record_lifecycle_action_heartbeat(**asked)
                body = f"<{action}Response><{action}Result/></{action}Response>".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        with _running(Answers) as self.url:
            yield self

    def _called(self, name: str, request: dict[str, Any], also: dict[str, str]) -> None:
        self.calls.append(name)
        self._fail_if_broken()
        expected = {"AutoScalingGroupName": GROUP, "InstanceId": INSTANCE, **also}
        assert expected.items() <= request.items()

    def _fail_if_broken(self) -> None:
        if self.is_broken:
            raise ConnectionError("Rate exceeded")

    def _check_waits(self, hook: str) -> None:
        if _WAITS_FOR.get(self.state) != hook:
            raise ValueError(f"{NO_ACTION} {INSTANCE}")


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
