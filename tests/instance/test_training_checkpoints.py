"""Checkpoints are whole or they do not count."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peakfleet_instance.checkpoint import MOST_KEPT, Checkpoints, Kept, Part
from tests.instance.fake_s3 import FakeS3

SIZE = 3


def machine(s3: FakeS3, rank: int, *, formation: int = 1, size: int = SIZE) -> Checkpoints:
    return Checkpoints(s3, bucket="b", prefix="run/1", part=Part(formation, rank, size))


def written(folder: Path, *, rank: int, step: int) -> Path:
    path = folder / f"{rank}-{step}"
    (path / "optimizer").mkdir(parents=True)
    (path / "weights").write_text(f"weights {rank} {step}")
    (path / "optimizer" / "state").write_text(f"state {rank} {step}")
    return path


def test_what_every_machine_has_kept_is_fetched_by_machines_that_know_nothing(
    tmp_path: Path,
) -> None:
    s3 = FakeS3()
    for rank in range(SIZE):
        machine(s3, rank).keep(70, written(tmp_path, rank=rank, step=70))
    for rank in range(SIZE):
        fresh = machine(s3, rank, formation=2)
        newest = fresh.newest()
        assert newest == Kept(70, 1)
        found = fresh.fetch(newest, tmp_path / f"fresh-{rank}")
        assert found.name == "70"
        assert (found / "weights").read_text() == f"weights {rank} 70"
        assert (found / "optimizer" / "state").read_text() == f"state {rank} 70"


@given(st.sets(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, SIZE - 1))))
def test_the_newest_is_the_last_step_that_all_of_one_formation_have_finished(
    done: set[tuple[int, int, int]],
) -> None:
    s3 = FakeS3(page_size=1000)
    for step, formation, rank in done:
        name = Part(formation, rank, SIZE).name
        s3.objects[f"run/1/checkpoints/{step:012d}/{formation:010d}/done/{name}"] = b""
    whole = [
        Kept(step, formation)
        for step in range(1, 5)
        for formation in range(1, 4)
        if {(step, formation, rank) for rank in range(SIZE)} <= done
    ]
    assert machine(s3, 0).newest() == max(whole, default=None)


def test_a_part_whose_upload_broke_off_does_not_count(tmp_path: Path) -> None:
    s3 = FakeS3()
    for rank in range(SIZE):
        machine(s3, rank).keep(10, written(tmp_path, rank=rank, step=10))
    s3.upload_fails_after = s3.uploads + 1
    with pytest.raises(OSError, match="away"):
        machine(s3, 0).keep(20, written(tmp_path, rank=0, step=20))
    s3.upload_fails_after = None
    for rank in (1, 2):
        machine(s3, rank).keep(20, written(tmp_path, rank=rank, step=20))
    assert machine(s3, 0).newest() == Kept(10, 1)


def test_a_checkpoint_of_another_size_is_not_used(tmp_path: Path) -> None:
    s3 = FakeS3()
    machine(s3, 0, size=1).keep(10, written(tmp_path, rank=0, step=10))
    assert machine(s3, 0, size=1).newest() == Kept(10, 1)
    assert machine(s3, 0, size=2).newest() is None


def test_old_checkpoints_are_forgotten_and_the_newest_ones_stay(tmp_path: Path) -> None:
    s3 = FakeS3()
    steps = range(1, MOST_KEPT + 4)
    for step in steps:
        for rank in range(SIZE):
            machine(s3, rank).keep(step, written(tmp_path, rank=rank, step=step))
    for rank in range(SIZE):  # the last one of each round could not see its round as complete
        machine(s3, rank).keep(steps[-1], tmp_path / f"{rank}-{steps[-1]}")
    left = {int(key.split("/")[3]) for key in s3.objects}
    assert left == set(steps[-MOST_KEPT:])
    assert machine(s3, 0).newest() == Kept(steps[-1], 1)
