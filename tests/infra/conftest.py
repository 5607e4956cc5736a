"""How the CDK runs in tests: with the venv's own Node, and without its template validation.

The validation costs seconds at the first synth; `test_consumer.py` runs with it.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

os.environ["CDK_VALIDATION"] = "false"
# The day of every synth: shipped prices are warned of half a year after theirs.
os.environ["SOURCE_DATE_EPOCH"] = str(int(datetime(2026, 8, 1, tzinfo=UTC).timestamp()))
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="session", autouse=True)
def _temporary_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Put what apps without asset staging leave behind where pytest clears it away."""
    tempfile.tempdir = str(tmp_path_factory.mktemp("temporary"))
    yield
    tempfile.tempdir = None
