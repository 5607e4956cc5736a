"""Whether the account may run what fleets may ask for: quotas, offered types, images."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from peakfleet_chips import find_type
from peakfleet_cli.account import Account
from peakfleet_cli.doctor.finding import Finding, error, good, warning
from peakfleet_planner import FleetSpec, PoolSpec

_CLASSES: Final = {
    "inf": "Inf",
    "trn": "Trn",
    "dl": "DL",
    "vt": "G and VT",
    "g": "G and VT",
    "gr": "G and VT",
    "p": "P",
    "x": "X",
    "f": "F",
    "hpc": "HPC",
    "u": "High Memory",
}
"""The class of instances that a quota is for, by the letters of a family; others are Standard."""
_LEAST_ZONES: Final = 2
_CODES: Final = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas"
_IMAGE: Final = "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"


def on_quotas(account: Account, fleets: Iterable[FleetSpec]) -> Iterator[Finding]:
    """Yield whether the vCPU quotas leave room for every fleet at its maximum.

    Needs `servicequotas:ListServiceQuotas` and `ec2:DescribeInstances`.
    """
    pages = account.client("service-quotas").get_paginator("list_service_quotas")
    quotas = {
        quota["QuotaName"]: quota["Value"]
        for page in pages.paginate(ServiceCode="ec2")
        for quota in page["Quotas"]
    }
    used = _used(account)
    needed: Counter[tuple[str, str]] = Counter()
    whose: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for fleet in fleets:
        for pool in fleet.pools:
            if pool.retired:
                continue
            for kind, vcpus in _vcpus(pool):
                needed[kind, pool.purchase] += vcpus
                whose[kind, pool.purchase].append(f"{fleet.fleet} {pool.name} {vcpus:,}")
    for (kind, purchase), vcpus in sorted(needed.items()):
        yield _quota(
            kind, purchase, vcpus=vcpus, used=used[kind, purchase], quotas=quotas,
            whose=whose[kind, purchase],
        )  # fmt: skip


def on_offerings(account: Account, fleets: Iterable[FleetSpec]) -> Iterator[Finding]:
    """Yield in how many zones each instance type is sold.

    Needs `ec2:DescribeInstanceTypeOfferings`.
    """
    types = sorted(
        {kind for fleet in fleets for pool in fleet.pools for kind in pool.instance_types}
    )
    zones: defaultdict[str, set[str]] = defaultdict(set)
    pages = account.client("ec2").get_paginator("describe_instance_type_offerings")
    filters = [{"Name": "instance-type", "Values": types}]
    for page in pages.paginate(LocationType="availability-zone", Filters=filters):
        for offer in page["InstanceTypeOfferings"]:
            zones[offer["InstanceType"]].add(offer["Location"])
    for kind in types:
        where = sorted(zones[kind])
        if not where:
            fix = "name another type in its pool, or deploy to a region that has it"
            yield error("instance types", f"{kind} is not sold in {account.place}", fix)
        elif len(where) < _LEAST_ZONES:
            fix = "add another type to its pool, so that one zone's shortage is not the pool's"
            yield warning("instance types", f"{kind} is sold in {where[0]} only", fix)
        else:
            yield good("instance types", f"{kind} in {', '.join(where)}")


def on_images(account: Account, parameters: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield whether the images that templates name by parameter exist in this region.

    Needs `ssm:GetParameters`.

    Args:
        account: Where.
        parameters: Of the templates, by name.
    """
    names = sorted({one["Default"] for one in parameters.values() if one.get("Type") == _IMAGE})
    for first in range(0, len(names), 10):  # as many as a call takes
        found = account.client("ssm").get_parameters(Names=names[first : first + 10])
        for parameter in found["Parameters"]:
            yield good("images", f"{parameter['Name']} is {parameter['Value']}")
        for name in found["InvalidParameters"]:
            fix = "name an image that exists in this region"
            yield error("images", f"{name} does not exist in {account.place}", fix)


def class_of(instance_type: str) -> str:
    """Return the class of instances whose quota counts a type.

    >>> class_of("c8gn.xlarge"), class_of("inf2.xlarge"), class_of("im4gn.large")
    ('Standard', 'Inf', 'Standard')
    """
    match = re.match(r"[a-z]+", instance_type)
    return _CLASSES.get(match[0] if match else "", "Standard")


def _vcpus(pool: PoolSpec) -> Iterator[tuple[str, int]]:
    """Yield class and vCPUs of a pool at its maximum, of its largest type."""
    most: Counter[str] = Counter()
    for name in pool.instance_types:
        kind = find_type(name)
        if kind is not None:
            most[class_of(name)] = max(most[class_of(name)], kind.vcpus * pool.max_capacity)
    yield from most.items()


def _used(account: Account) -> Counter[tuple[str, str]]:
    used: Counter[tuple[str, str]] = Counter()
    pages = account.client("ec2").get_paginator("describe_instances")
    filters = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    for page in pages.paginate(Filters=filters):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                cpu = instance.get("CpuOptions", {})
                bought = instance.get("InstanceLifecycle", "on-demand")
                used[class_of(instance["InstanceType"]), bought] += cpu.get(
                    "CoreCount", 0
                ) * cpu.get("ThreadsPerCore", 0)
    return used


def _quota(
    kind: str,
    purchase: str,
    *,
    vcpus: int,
    used: int,
    quotas: Mapping[str, float],
    whose: Iterable[str],
) -> Finding:
    words = re.compile(rf"\b{kind}\b")
    is_spot = purchase == "spot"
    named = {
        name: value
        for name, value in quotas.items()
        if words.search(name) and ("Spot" in name) is is_spot and ("instances" in name or is_spot)
    }
    about, of = "quotas", f"{purchase} {kind}"
    if not named:
        return warning(about, f"no quota of {of} vCPUs was found", f"look at {_CODES}")
    name, most = max(named.items(), key=lambda item: item[1])
    says = f"{of}: fleets at their maximum need {vcpus:,} vCPUs ({'; '.join(whose)}), {used:,} of "
    says += f"{most:,.0f} are in use"
    if vcpus > most:
        return error(about, says, f"ask for {vcpus:,} of '{name}': {_CODES}")
    if vcpus + used > most:
        fix = f"if what runs is not the fleets' own, ask for {vcpus + used:,} of '{name}': {_CODES}"
        return warning(about, says, fix)
    return good(about, says)
