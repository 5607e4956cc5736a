"""Reads the settings from the app's context, and refuses what no environment can mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from ipaddress import IPv4Network, ip_address, ip_network
from math import isfinite
from pathlib import Path
from typing import Any

from constructs import Node

from peakfleet_planner.codec import SpecError, from_document
from stacks.network import AVAILABILITY_ZONES
from stacks.settings import (
    FleetSettings,
    NetworkSettings,
    Prices,
    PurchaseOption,
    Settings,
)

CDK_JSON = Path(__file__).parents[1] / "cdk.json"
DEFAULT_ENVIRONMENT = "dev"
LARGEST_VPC_PREFIX, SMALLEST_VPC_PREFIX = 16, 22
"""A VPC takes at most a /16; below a /22 three subnets are too small for a peak."""


def cdk_json_context() -> dict[str, Any]:
    """Return the context of `cdk.json`, for an app that is run without the CDK CLI.

    What the CLI passes, from `cdk.json` or `-c`, has precedence over it.
    """
    context: dict[str, Any] = json.loads(CDK_JSON.read_text(encoding="utf-8"))["context"]
    return context


def settings_from_context(node: Node) -> Settings:
    """Return the settings that the app's context names.

    `-c environment=NAME` selects the block of that name in the `environments` of
    `cdk.json`. Default: `dev`. Where that names regions, `-c region=NAME` selects one.

    Raises:
        SpecError: A key is unknown or missing, or its value is not allowed.
    """
    blocks = node.try_get_context("environments")
    name = node.try_get_context("environment") or DEFAULT_ENVIRONMENT
    if not isinstance(blocks, dict) or name not in blocks:
        known = ", ".join(sorted(blocks)) if isinstance(blocks, dict) else "none"
        raise SpecError(f"context 'environment' must be one of {known}, got {name!r}")
    settings = read_settings(name, blocks[name], node.try_get_context("prices"))
    if not settings.regions:
        return settings
    region = node.try_get_context("region")
    try:
        return settings.in_region(str(region))
    except LookupError:
        known = ", ".join(one.region for one in settings.regions)
        raise SpecError(f"context 'region' must be one of {known}, got {region!r}") from None


def read_settings(name: str, block: object, prices: object) -> Settings:
    """Return the settings of one environment's block and the shared prices.

    Args:
        name: Name of the environment.
        block: Its block of `environments`.
        prices: The `prices` beside it.

    Raises:
        SpecError: A key is unknown or missing, or its value is not allowed.
    """
    path = f"environments.{name}"
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise SpecError(f"an environment's name has letters, digits and -, got {name!r}")
    if not isinstance(block, Mapping):
        raise SpecError(f"{path} must be a dict, got {block!r}")
    if misplaced := sorted({"environment", "prices", "region"} & set(block)):
        raise SpecError(f"{path}: {', '.join(misplaced)} belongs beside environments, not in it")
    document: dict[str, Any] = {**block, "environment": name, "prices": prices}
    settings = from_document(Settings, document, path)
    _check_ranges(settings, path)
    _check_network(settings.network, f"{path}.network")
    _check_certificate(settings.certificate_arn, f"{path}.certificate_arn")
    _check_edges(settings.live.on_premises_edges, f"{path}.live.on_premises_edges")
    for fleet in ("ingest", "sync", "transcode", "live"):
        _check_pools(getattr(settings, fleet), settings.prices, f"{path}.{fleet}")
    if settings.inference is not None:
        servers = f"{path}.inference.on_premises_servers"
        _check_edges(settings.inference.on_premises_servers, servers)
        _check_pools(settings.inference, settings.prices, f"{path}.inference")
    _check_regions(settings, path)
    if settings.training is not None:
        _check_zone(settings.training.zone, f"{path}.training.zone")
    return settings


def _check_regions(settings: Settings, path: str) -> None:
    """Refuse regions that would count a unit twice, or whose networks could not meet."""
    regions = settings.regions
    if sum(one.share for one in regions) > 1 + 1e-9:
        raise SpecError(f"{path}.regions: the shares of all regions must be at most 1 together")
    if len({one.region for one in regions}) < len(regions):
        raise SpecError(f"{path}.regions must name each region once")
    if settings.live_name is not None and len(regions) < 2:  # noqa: PLR2004  one alone shares nothing
        raise SpecError(f"{path}.live_name is for a service of several regions; name them")
    networks: list[IPv4Network] = []
    for one in regions:
        named = f"{path}.regions.{one.region}"
        _check_network(replace(settings.network, cidr=one.cidr), named)
        _check_certificate(one.certificate_arn, f"{named}.certificate_arn")
        network = IPv4Network(one.cidr)
        if any(network.overlaps(other) for other in networks):
            raise SpecError(f"{named}.cidr must not overlap another region's, got {one.cidr}")
        networks.append(network)


def _check_zone(zone: int, path: str) -> None:
    if zone >= AVAILABILITY_ZONES:
        raise SpecError(f"{path} must be below {AVAILABILITY_ZONES}, got {zone}")


def _check_ranges(value: object, path: str) -> None:
    """Refuse numbers below the bound that their field declares."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            _check_ranges(item, f"{path}[{index}]")
    if not is_dataclass(value):
        return
    for one in fields(value):
        item, name = getattr(value, one.name), f"{path}.{one.name}"
        if "least" in one.metadata and not (isfinite(item) and item >= one.metadata["least"]):
            raise SpecError(f"{name} must be at least {one.metadata['least']:g}, got {item:g}")
        _check_ranges(item, name)


def _check_network(network: NetworkSettings, path: str) -> None:
    own = _private_network(network.cidr, f"{path}.cidr")
    company = _private_network(network.on_premises_cidr, f"{path}.on_premises_cidr")
    if not LARGEST_VPC_PREFIX <= own.prefixlen <= SMALLEST_VPC_PREFIX:
        raise SpecError(f"{path}.cidr must be a /16 to a /22, got {network.cidr}")
    if own.overlaps(company):
        raise SpecError(
            f"{path}.cidr must not overlap on_premises_cidr {network.on_premises_cidr}, "
            f"got {network.cidr}"
        )
    if network.vpn_router is not None and network.direct_connect_gateway is not None:
        raise SpecError(f"{path} must have vpn_router or direct_connect_gateway, got both")
    prefix_list = network.s3_prefix_list
    if prefix_list is not None and not re.fullmatch(r"pl-[0-9a-f]+", prefix_list):
        raise SpecError(f"{path}.s3_prefix_list must be an id such as pl-0f1e, got {prefix_list!r}")


def _check_certificate(arn: str | None, path: str) -> None:
    if arn is not None and not re.fullmatch(r"arn:[\w-]+:acm:[\w-]+:\d{12}:certificate/\S+", arn):
        raise SpecError(
            f"{path} must be the ARN of a certificate in ACM, such as "
            f"arn:aws:acm:eu-west-1:111122223333:certificate/0f1e, got {arn!r}"
        )


def _private_network(text: str, path: str) -> IPv4Network:
    try:
        network = ip_network(text)
    except ValueError as error:
        raise SpecError(
            f"{path} must be an IPv4 network such as 10.20.0.0/16, got {text!r}"
        ) from error
    if not isinstance(network, IPv4Network) or not network.is_private:
        raise SpecError(f"{path} must be a private IPv4 network (RFC 1918), got {text!r}")
    return network


def _check_edges(addresses: tuple[str, ...], path: str) -> None:
    if not addresses:
        raise SpecError(f"{path} must name at least one address, got none")
    for index, text in enumerate(addresses):
        try:
            private = ip_address(text).is_private
        except ValueError:
            private = False
        if not private or ":" in text:
            raise SpecError(f"{path}[{index}] must be a private IPv4 address, got {text!r}")


def _check_pools(fleet: FleetSettings, prices: Prices, path: str) -> None:
    if not fleet.pools:
        raise SpecError(f"{path}.pools must have at least one pool, got none")
    for index, pool in enumerate(fleet.pools):
        if not pool.instance_types:
            raise SpecError(f"{path}.pools[{index}].instance_types must name at least one type")
        tables = {"usd_per_hour": prices.usd_per_hour}
        if pool.purchase is PurchaseOption.SPOT:
            tables["spot_saving"] = prices.spot_saving
        for name, table in tables.items():
            if missing := [kind for kind in pool.instance_types if kind not in table]:
                raise SpecError(
                    f"{path}.pools[{index}].instance_types: prices.{name} has no "
                    f"{', '.join(missing)}; known: {', '.join(sorted(table))}"
                )
