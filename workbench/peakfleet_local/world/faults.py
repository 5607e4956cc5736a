"""What the world refuses: capacity that is not there, launches that are broken, calls."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from peakfleet_local.world.instances import PURCHASES, Machine, Purchase

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why EC2 launches nothing.

    Args:
        code: EC2's error code.
        message: EC2's words.
    """

    code: str
    message: str


NO_ADDRESS = Refusal(
    code="InsufficientFreeAddressesInSubnet",
    message="The specified subnet does not have enough free addresses to satisfy the request.",
)


class Faults(ABC):
    """What a world refuses, for as long as it is told to. By default it refuses nothing."""

    def __init__(self) -> None:
        self._limits: dict[tuple[str, str, Purchase], int] = {}
        self._quotas: dict[Purchase, int] = {}
        self._addresses: dict[str, int] = {}
        self._broken: dict[str, Refusal] = {}
        self._denied: set[str] = set()
        self._throttled: dict[tuple[str, str | None], float] = {}

    @property
    @abstractmethod
    def now_epoch_seconds(self) -> float:
        """The virtual time."""

    @property
    @abstractmethod
    def machines(self) -> Mapping[str, Machine]:
        """Every machine by its id."""

    def limit_capacity(
        self,
        *,
        instance_type: str,
        zone: str,
        instances: int | None,
        purchase: Purchase | None = None,
    ) -> None:
        """Say how many instances of a type a zone has in all.

        Args:
            instance_type: Such as c8g.4xlarge.
            zone: Availability zone.
            instances: Most that run at once; what runs already is kept. None: no limit.
            purchase: For which purchase option. Default: for each of them.
        """
        for option in (purchase,) if purchase else PURCHASES:
            _set(self._limits, (instance_type, zone, option), instances)

    def set_quota(self, *, purchase: Purchase, instances: int | None) -> None:
        """Say how many instances the account may run, in all zones together.

        Args:
            purchase: Each option has its own quota.
            instances: Most that run at once. None: no quota.

        Limitations:
            Counts instances where EC2 counts vCPUs, and all types together.
        """
        _set(self._quotas, purchase, instances)

    def limit_addresses(self, *, zone: str, addresses: int | None) -> None:
        """Say how many addresses the subnets of a zone have for instances.

        Args:
            zone: Availability zone.
            addresses: One for each instance, stopped ones too. None: enough.
        """
        _set(self._addresses, zone, addresses)

    def break_image(self, image_id: str, *, broken: bool = True) -> None:
        """Let every launch of an image fail, or let it launch again.

        Args:
            image_id: Such as ami-00000001. Groups whose template names another one launch on.
            broken: False to mend it.
        """
        text = f"The image id '[{image_id}]' does not exist."
        refusal = Refusal(code="InvalidAMIID.NotFound", message=text)
        _set(self._broken, image_id, refusal if broken else None)

    def break_template(self, group: str, *, broken: bool = True) -> None:
        """Let every launch of a group fail, or let it launch again.

        Args:
            group: Name of the group.
            broken: False to mend it.
        """
        text = "The specified launch template, with template ID and version, does not exist."
        refusal = Refusal(code="InvalidLaunchTemplateId.NotFound", message=text)
        _set(self._broken, group, refusal if broken else None)

    def deny_launches(self, group: str, *, denied: bool = True) -> None:
        """Take the permission to launch instances away from a group, or give it back.

        Args:
            group: Name of the group.
            denied: False to give it back.
        """
        (self._denied.add if denied else self._denied.discard)(group)

    def throttle(
        self, service: str, action: str | None = None, *, until_epoch_seconds: float
    ) -> None:
        """Answer API calls with the service's throttling error until a moment.

        Args:
            service: As boto3 names it, such as autoscaling.
            action: Such as SetDesiredCapacity. Default: all of the service.
            until_epoch_seconds: When calls are answered again.
        """
        self._throttled[service, action] = until_epoch_seconds

    def clear_faults(self) -> None:
        """Refuse nothing any more."""
        for refused in (self._limits, self._quotas, self._addresses, self._broken, self._throttled):
            refused.clear()
        self._denied.clear()

    def is_throttled(self, service: str, action: str) -> bool:
        """Whether a call is answered with a throttling error now."""
        if not self._throttled:
            return False
        ends = (self._throttled.get((service, name), 0.0) for name in (action, None))
        return max(ends) > self.now_epoch_seconds

    def has_capacity(self, *, instance_type: str, zone: str, purchase: Purchase) -> bool:
        """Whether a zone has one more instance of a type."""
        limit = self._limits.get((instance_type, zone, purchase))
        return limit is None or limit > sum(
            (m.instance_type, m.zone, m.purchase) == (instance_type, zone, purchase)
            for m in self.machines.values()
            if m.holds_capacity
        )

    def refusal(
        self, *, group: str, image_id: str, instance_type: str, zone: str, purchase: Purchase
    ) -> Refusal | None:
        """Return why one more instance cannot be launched, or None.

        Args:
            group: Name of its group.
            image_id: What it would boot.
            instance_type: Its type.
            zone: Where.
            purchase: How it would be bought.
        """
        if self._broken and (broken := self._broken.get(image_id) or self._broken.get(group)):
            return broken
        if group in self._denied:
            text = "You are not authorized to perform this operation."
            return Refusal(code="UnauthorizedOperation", message=text)
        if (refused := self._over_quota(purchase)) or (refused := self._no_address(zone)):
            return refused
        if self.has_capacity(instance_type=instance_type, zone=zone, purchase=purchase):
            return None
        return Refusal(
            code="InsufficientInstanceCapacity",
            message=f"We currently do not have sufficient {instance_type} capacity in the "
            f"Availability Zone you requested ({zone}). Our system will be working on "
            "provisioning additional capacity.",
        )

    def _over_quota(self, purchase: Purchase) -> Refusal | None:
        quota = self._quotas.get(purchase)
        if quota is None:
            return None
        running = (m for m in self.machines.values() if m.holds_capacity)
        if sum(m.purchase == purchase for m in running) < quota:
            return None
        if purchase == "spot":
            return Refusal(
                code="MaxSpotInstanceCountExceeded", message="Max spot instance count exceeded"
            )
        return Refusal(
            code="VcpuLimitExceeded",
            message="You have requested more vCPU capacity than your current vCPU limit of "
            f"{quota} allows for the instance bucket that the specified instance type belongs to.",
        )

    def _no_address(self, zone: str) -> Refusal | None:
        addresses = self._addresses.get(zone)
        if addresses is None or sum(m.zone == zone for m in self.machines.values()) < addresses:
            return None
        return NO_ADDRESS


def _set(table: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
