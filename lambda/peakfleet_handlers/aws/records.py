"""Weighted records of Route 53, for a baseline and a fleet without a common load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from peakfleet_handlers.aws.calls import Calls
from peakfleet_handlers.aws.clients import Clients
from peakfleet_handlers.aws.splits import split_of, weights_of
from peakfleet_planner import RegionShareSpec, WeightedRecordsSpec
from peakfleet_planner.pool_plan import Split

READ: Final = "ListResourceRecordSets"
_MOST_RECORDS: Final = "100"
"""A name has few weighted records, and they are listed one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The weighted records of a name as they were read.

    Args:
        spec: Which.
        found: Those of the fleet and of its sites, in Route 53's form, by set identifier.
    """

    spec: WeightedRecordsSpec
    found: dict[str, dict[str, Any]]

    @property
    def split(self) -> Split | None:
        """Shares of the traffic. If all weigh nothing Route 53 answers with each as often."""
        weights = {name: int(one.get("Weight", 0)) for name, one in self.found.items()}
        if not any(weights.values()):
            weights = dict.fromkeys(weights, 1)
        return split_of(self.spec, self.spec.cloud, weights)

    def differs(self, split: Split) -> bool:
        """Whether the weights are other ones than those of *split*, in steps of a record's."""
        return bool(self._changed(split))

    def send(self, split: Split, *, clients: Clients, calls: Calls) -> bool:
        """Set the weights, all in one change; return whether that was done."""
        return set_records(self.spec, self._changed(split), clients=clients, calls=calls)

    def _changed(self, split: Split) -> list[Any]:
        """Return each record whose weight changes, as it is but for that."""
        weights = weights_of(self.spec, self.spec.cloud, split)
        return [
            {**one, "Weight": weights[name]}
            for name, one in self.found.items()
            if one.get("Weight") != weights[name]
        ]


def read_records(
    spec: WeightedRecordsSpec,
    *,
    route53: Any,  # noqa: ANN401  no stubs of it are pinned
    calls: Calls,
) -> Records | None:
    """Return the records of a name as they are; None if one of them cannot be read."""
    found = list_records(spec, route53=route53, calls=calls)
    if found is None:
        return None

    def read() -> Records:
        records = Records(
            spec=spec, found={name: found[name] for name in (*spec.sides.values(), spec.cloud)}
        )
        _ = records.split  # of another shape, it is refused here and now
        return records

    return calls.reading(READ, spec.record_name, read)


def list_records(
    spec: WeightedRecordsSpec | RegionShareSpec,
    *,
    route53: Any,  # noqa: ANN401  as above
    calls: Calls,
) -> dict[str, dict[str, Any]] | None:
    """Return every weighted record of a name, by set identifier; None if they cannot be read."""
    name = spec.record_name.rstrip(".") + "."
    answer = calls.ask(
        route53.list_resource_record_sets,
        name,
        HostedZoneId=spec.hosted_zone_id,
        StartRecordName=name,
        StartRecordType=spec.record_type,
        MaxItems=_MOST_RECORDS,
    )
    if answer is None:
        return None

    def read() -> dict[str, dict[str, Any]]:
        return {
            one["SetIdentifier"]: one
            for one in answer["ResourceRecordSets"]
            if one["Name"].lower() == name.lower()
            and one["Type"] == spec.record_type
            and "SetIdentifier" in one
        }

    return calls.reading(READ, name, read)


def set_records(
    spec: WeightedRecordsSpec | RegionShareSpec,
    records: Sequence[dict[str, Any]],
    *,
    clients: Clients,
    calls: Calls,
) -> bool:
    """Set records in one change; return whether that was done."""
    changes = [{"Action": "UPSERT", "ResourceRecordSet": one} for one in records]
    answer = calls.ask(
        clients.route53.change_resource_record_sets,
        spec.record_name,
        HostedZoneId=spec.hosted_zone_id,
        ChangeBatch={"Changes": changes},
    )
    return answer is not None
