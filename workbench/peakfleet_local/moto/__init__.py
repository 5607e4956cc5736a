"""moto: its backends, found and quickened."""

from peakfleet_local.moto.backends import (
    ApiError,
    Client,
    Json,
    MotoObject,
    MotoVersionError,
    Patch,
    as_method,
    patched,
    require_moto,
    stock,
)
from peakfleet_local.moto.clients import Clients
from peakfleet_local.moto.speedups import speed_patches
from peakfleet_local.moto.table_speedups import table_patches

__all__ = [
    "ApiError",
    "Client",
    "Clients",
    "Json",
    "MotoObject",
    "MotoVersionError",
    "Patch",
    "as_method",
    "patched",
    "require_moto",
    "speed_patches",
    "stock",
    "table_patches",
]
