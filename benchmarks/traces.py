"""Downloads public demand traces and checks them. Run: `python -m benchmarks.traces FOLDER`.

Each trace becomes a demand file as `peakfleet simulate` reads it: times are taken down to the
step, gaps are filled by straight lines, values have six digits. The SHA-256 of the text is
checked, so what is measured here and elsewhere is the same. A trace that is there is kept.

Other public traces that this project is measured with need a conversion that their sources do
not fix, and are not downloaded: WorldCup98 (AndrewLawrence80/WorldCup98), the Twitter sample
stream of 2021 (reconfigurable-ml-pipeline/web-service-datasets), ServeGen (alibaba/ServeGen),
GPU pods (alibaba/clusterdata) and VM arrivals of Azure V1 (huaweicloud/trace_generation_rnn).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

TIMEOUT_SECONDS = 60
NAB = "numenta/NAB"
NAB_COMMIT = "ea702d75cc22"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A trace in a public repository.

    Args:
        name: Of the demand file.
        repository: On GitHub.
        commit: Of the repository, abbreviated.
        path: Of a CSV with a header, whose first column is the time.
        column: Which column is the demand; -1 is the last.
        step_seconds: Step of the demand file.
        sha256: Of the demand file's text.
    """

    name: str
    repository: str
    commit: str
    path: str
    sha256: str
    column: int = 1
    step_seconds: int = 300


SOURCES = (
    Source(
        name="aws_elb_requests",
        repository=NAB,
        commit=NAB_COMMIT,
        path="data/realAWSCloudwatch/elb_request_count_8c0756.csv",
        sha256="33ebc1514f25b8c80d5b0208ec306a486c8604e17257cae4aa08ad36cd2ba73f",
    ),
    Source(
        name="aws_rds_cpu_a",
        repository=NAB,
        commit=NAB_COMMIT,
        path="data/realAWSCloudwatch/rds_cpu_utilization_cc0c53.csv",
        sha256="62eb2a4923d230677bc9dc3b96425005792724172dd97b695c748e85fa4c73a0",
    ),
    Source(
        name="twitter_mentions_amzn",
        repository=NAB,
        commit=NAB_COMMIT,
        path="data/realTweets/Twitter_volume_AMZN.csv",
        sha256="bf843e22e3e5f55fa195e6e3e2f1441518cab1d4f8b20700bee300ccfb2d6dc8",
    ),
    Source(
        name="nyc_taxi",
        repository=NAB,
        commit=NAB_COMMIT,
        path="data/realKnownCause/nyc_taxi.csv",
        step_seconds=1800,
        sha256="7664950d40d210846ac3798354d6d72b18bde5aca1baf266b0cfc9991ac62aea",
    ),
    Source(
        name="isp_eu_transatlantic",
        repository="chasebk/code_OTWO_ELM",
        commit="8bf65089afb5",
        path="data/formatted/it_eu_5m.csv",
        sha256="0a1155c63168daaa40e31eabddc2a2dd3a74891675dbdb2b6bd42f7e3856da29",
    ),
    Source(
        name="azure_vm_cpu",
        repository="amcs1729/Predicting-cloud-CPU-usage-on-Azure-data",
        commit="56958485e229",
        path="azure.csv",
        column=-1,
        sha256="88c0fc7bad703f5b8a581c437dd05c64d7982c229adc43eece562f0abebb04c8",
    ),
)


def main() -> int:
    """Fetch what is missing; return 1 if a trace is not what it should be."""
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and a folder
        sys.stderr.write("usage: python -m benchmarks.traces FOLDER\n")
        return 2
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for source in SOURCES:
        path = folder / f"{source.name}.csv.gz"
        try:
            said = "kept" if path.exists() else _fetch(source, path)
            said += "" if _is_as_measured(source, path) else ", BUT IT IS NOT WHAT WAS MEASURED"
        except (OSError, ValueError, KeyError) as error:
            said = f"FAILED: {error}"
        failed += said not in ("kept", "fetched")
        sys.stdout.write(f"{path}: {said}\n")
    return 1 if failed else 0


def convert(lines: Iterable[str], *, column: int, step_seconds: int) -> str:
    """Return a demand file's text from a CSV whose first column is a time in UTC.

    >>> rows = ["time,value", "2014-04-10 11:29:00,6", "2014-04-10 11:39:00,79"]
    >>> print(convert(rows, column=1, step_seconds=300), end="")
    timestamp_utc,demand
    2014-04-10T11:25:00Z,6
    2014-04-10T11:30:00Z,42.5
    2014-04-10T11:35:00Z,79
    """
    values: dict[int, float] = {}
    for row in list(csv.reader(lines))[1:]:
        time = int(datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp())
        values[time - time % step_seconds] = float(row[column])
    points = sorted(values.items())
    filled = points[:1]
    for (start, before), (end, after) in pairwise(points):
        for time in range(start + step_seconds, end + 1, step_seconds):
            filled.append((time, before + (after - before) * (time - start) / (end - start)))
    text = "".join(
        f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ},{value:.6g}\n"
        for time, value in filled
    )
    return f"timestamp_utc,demand\n{text}"


def _fetch(source: Source, path: Path) -> str:
    commit = json.loads(
        _get(f"https://api.github.com/repos/{source.repository}/commits/{source.commit}")
    )["sha"]
    raw = f"https://raw.githubusercontent.com/{source.repository}/{commit}/{quote(source.path)}"
    lines = _get(raw).decode("utf-8-sig").splitlines()
    text = convert(lines, column=source.column, step_seconds=source.step_seconds)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return "fetched"


def _is_as_measured(source: Source, path: Path) -> bool:
    return hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest() == source.sha256


def _get(url: str) -> bytes:
    request = Request(url, headers={"User-Agent": "peakfleet"})  # noqa: S310  https, from this file
    with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  as above
        body: bytes = answer.read()
    return body


if __name__ == "__main__":
    sys.exit(main())
