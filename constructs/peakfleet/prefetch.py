"""Fetch what the learner's function needs, once per machine, so that a synth needs no network.

Usage:
    python -m peakfleet.prefetch

It downloads numpy for Lambda's Python and chip with pip, checks its hash, and keeps it in
`$XDG_CACHE_HOME/peakfleet`, or `~/.cache/peakfleet`. Run again, it does nothing. Where pip is not
installed: `uv run --with pip python -m peakfleet.prefetch`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from peakfleet.control_plane import numpy_layer as _numpy


def prefetch() -> Path:
    """Fetch it and return where it lies.

    Raises:
        RuntimeError: It could not be fetched; the message is pip's own.
    """
    return _numpy.fetch()


if __name__ == "__main__":
    try:
        prefetch()
    except RuntimeError as error:
        sys.exit(str(error))
