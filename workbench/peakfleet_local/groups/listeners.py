"""Actions of listeners and their rules, kept whole and described as ELB describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.elbv2.models import FakeAction

from peakfleet_local.moto import ApiError, MotoObject, Patch, as_method, stock

MOST_WEIGHT = 999
MOST_TARGET_GROUPS = 5
_stock_action = stock(FakeAction, "__init__")


def listener_patches() -> list[Patch]:
    """Return what stands in moto's place.

    A forward action names its target groups with their weights, also where it was given one
    group alone; a weight is 0 to 999. The client secret of an authentication is never told,
    so that whoever puts the action back must say that the existing one is used.
    """
    return [Patch(owner=FakeAction, name="__init__", value=as_method(_keep_action))]


def _keep_action(action: MotoObject, data: Mapping[str, Any]) -> None:
    kept = dict(data)
    if kept.get("Type") == "forward":
        kept |= _forward(kept)
    if "AuthenticateOidcConfig" in kept:
        kept["AuthenticateOidcConfig"] = _without_secret(kept["AuthenticateOidcConfig"])
    _stock_action(action, kept)


def _forward(action: Mapping[str, Any]) -> dict[str, Any]:
    alone = {"TargetGroups": [{"TargetGroupArn": action.get("TargetGroupArn")}]}
    config: Mapping[str, Any] = action.get("ForwardConfig") or alone
    groups = [{**one, "Weight": int(one.get("Weight", 1))} for one in config["TargetGroups"]]
    if not 1 <= len(groups) <= MOST_TARGET_GROUPS:
        raise _refused(f"A forward action has 1 to {MOST_TARGET_GROUPS} target groups")
    for group in groups:
        if not 0 <= group["Weight"] <= MOST_WEIGHT:
            raise _refused(
                f"The weight '{group['Weight']}' is not valid; it must be between 0 and "
                f"{MOST_WEIGHT}"
            )
    named = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {**named, "ForwardConfig": {**config, "TargetGroups": groups}}


def _without_secret(config: Mapping[str, Any]) -> dict[str, Any]:
    used = str(config.get("UseExistingClientSecret")).lower() == "true"
    if not used and not config.get("ClientSecret"):
        raise _refused("A client secret must be specified, or the existing one be used")
    hidden = {"ClientSecret", "UseExistingClientSecret"}
    return {name: value for name, value in config.items() if name not in hidden}


def _refused(message: str) -> ApiError:
    return ApiError("ValidationError", message)
