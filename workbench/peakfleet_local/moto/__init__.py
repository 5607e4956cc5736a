"""moto, the emulator underneath: how its parts are replaced, and which are made faster.

A room that changes moto makes a list of `Patch`, and keeps it in place with `patched` for as
long as a `with` block lasts. `stock` returns the function that a replacement builds on.
Everything here holds for exactly one version of moto.
"""

from peakfleet_local.moto.patches import (
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
from peakfleet_local.moto.serial import serial_patches
from peakfleet_local.moto.speedups import speed_patches
