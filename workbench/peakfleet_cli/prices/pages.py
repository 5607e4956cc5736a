"""What AWS is asked through: any client with paginators, and its refusals in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError


class RefreshError(Exception):
    """Prices cannot be read; the message says why and the way out."""


class Pages(Protocol):
    """The answer to one question, page by page."""

    def paginate(self, **kwargs: Any) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401  the question's own
        """Yield the pages."""


class Paging(Protocol):
    """A boto3 client that answers in pages."""

    def get_paginator(self, operation_name: Any) -> Pages:  # noqa: ANN401  each client has its own names
        """Return what pages through an operation."""


@contextmanager
def clear_refusals(permission: str) -> Iterator[None]:
    """Say in words what AWS refused."""
    try:
        yield
    except NoCredentialsError as error:
        raise RefreshError(
            "AWS wants to know who asks: sign in, or name a profile in AWS_PROFILE"
        ) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if "AccessDenied" in code or "Unauthorized" in code:
            raise RefreshError(f"your credentials may not: allow {permission}") from error
        raise RefreshError(f"{permission} failed: {error}") from error
    except BotoCoreError as error:
        raise RefreshError(f"{permission} failed: {error}") from error
