"""Fetch what the learner's function needs, once per machine, so that a synth needs no network.

Usage:
    python -m peakfleet.prefetch [WHEEL]

It downloads numpy for Lambda's Python and chip with pip, checks its hash, and keeps it in
`$XDG_CACHE_HOME/peakfleet`, or `~/.cache/peakfleet`; without a home that can be written, in the
machine's folder for temporary files. Run again, it does nothing. Where pip is not installed:
`uv run --with pip python -m peakfleet.prefetch`, or give the wheel, fetched in another way.
"""

from __future__ import annotations

import sys
from pathlib import Path

from peakfleet.control_plane import numpy_layer as _numpy


def prefetch(wheel: Path | None = None) -> Path:
    """Fetch it and return where it lies.

    Args:
        wheel: The wheel, fetched in another way. Default: pip downloads it.

    Raises:
        RuntimeError: It could not be fetched; the message says how it can be.
    """
    return _numpy.fetch(wheel)


if __name__ == "__main__":
    try:
        prefetch(Path(sys.argv[1]) if sys.argv[1:] else None)
    except RuntimeError as error:
        sys.exit(str(error))
