"""The AWS account and region that a command speaks to: the one place that says which."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from peakfleet_cli.errors import CommandError, NoAccountError

_PANEL: Final = "AWS"
_PATIENCE_SECONDS: Final = 10

Region = Annotated[
    str | None,
    typer.Option(
        "--region",
        metavar="NAME",
        help="AWS region. Default: AWS_REGION, AWS_DEFAULT_REGION, or that of the profile.",
        rich_help_panel=_PANEL,
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Profile of your AWS configuration. Default: AWS_PROFILE.",
        rich_help_panel=_PANEL,
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An AWS account and region, by the names that a user gives them.

    Args:
        region: Default: `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's.
        profile: Default: `AWS_PROFILE`, or whatever credentials boto3 finds.
    """

    region: str | None = None
    profile: str | None = None

    @property
    def place(self) -> str:
        """Name of the region.

        Raises:
            NoAccountError: None is configured.
            CommandError: There is no such profile.
        """
        name = self.region or os.environ.get("AWS_REGION") or self._session().region_name
        if not name:
            raise NoAccountError(
                "no AWS region is configured: name one with --region or AWS_REGION, or in your "
                "profile"
            )
        return str(name)

    def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401  each service has its own
        """Return a client of a service that gives up after half a minute.

        Args:
            service: Its name, as boto3 has it.
            region: Where it answers. Default: the region of the account.

        Raises:
            CommandError: No region is configured, or there is no such profile.
        """
        from botocore.config import Config  # noqa: PLC0415  slow to load, and --help needs none

        config = Config(
            connect_timeout=_PATIENCE_SECONDS,
            read_timeout=3 * _PATIENCE_SECONDS,
            retries={"mode": "standard", "max_attempts": 3},
        )
        return self._session().client(service, region_name=region or self.place, config=config)

    def _session(self) -> Any:  # noqa: ANN401  boto3 has no types of its own
        import boto3  # noqa: PLC0415  as above
        from botocore.exceptions import ProfileNotFound  # noqa: PLC0415  as above

        try:
            if self.profile:
                return boto3.session.Session(profile_name=self.profile)
            if boto3.DEFAULT_SESSION is None:
                boto3.setup_default_session()
        except ProfileNotFound as error:
            raise CommandError(f"there is no AWS profile of that name: {error}") from error
        return boto3.DEFAULT_SESSION
