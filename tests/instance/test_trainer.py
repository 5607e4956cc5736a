"""Trainers: machines that start together, keep checkpoints and stop together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from peakfleet_instance.checkpoint import Checkpoints, Kept, Part
from peakfleet_instance.gang import Gang
from peakfleet_instance.signs import Leaving, Signs
from peakfleet_instance.trainer import Trainer
from peakfleet_instance.training_run import Orders
from tests.instance.fake_s3 import FakeS3

ROOT = "run/1/gang/"
PATIENCE_SECONDS = 20.0
PROGRAM = """
cd "$PEAKFLEET_CHECKPOINTS"
save() { mkdir draft; echo "$NODE_RANK of $NNODES" >draft/weights; mv draft "$1"; }
echo "$MASTER_ADDR $NODE_RANK $NNODES ${PEAKFLEET_RESUME##*/}" >../told
trap 'save 20' USR1
trap 'save 30; exit 0' TERM
save 10
until [ -e ../end ]; do sleep 0.05; done
exit "$(cat ../end)"
"""


class Machine:
    """One machine with a trainer, an agent's folder of signs and a program."""

    def __init__(self, home: Path, s3: FakeS3, name: str) -> None:
        self.name, self.home, self._s3 = name, home / name, s3
        (self.home / "signs").mkdir(parents=True)
        (self.home / "train.sh").write_text(PROGRAM)
        self.signs = Signs(self.home / "signs")
        self.now = 0.0
        self.boot()

    def boot(self) -> None:
        """Start the trainer, as systemd does at boot and after it was killed."""
        self.trainer = Trainer(
            orders=Orders(
                bucket="b",
                prefix="run/1",
                program=str(self.home / "train.sh"),
                checkpoint_seconds=480,
            ),
            s3=self._s3,
            gang=Gang(self._s3, bucket="b", prefix="run/1", instance_id=self.name),
            home=self.home,
            signs=self.home / "signs",
            now=lambda: self.now,
        )

    @property
    def told(self) -> str:
        path = self.home / "told"
        return path.read_text().strip() if path.exists() else ""

    def end(self, status: int) -> None:
        draft = self.home / "end.draft"
        draft.write_text(str(status))
        draft.rename(self.home / "end")  # the program reads it whole or not at all


class Site:
    """Two machines, their bucket, and the ticks that form them."""

    def __init__(self, home: Path) -> None:
        self.s3 = FakeS3(page_size=1000)
        self.machines = [Machine(home, self.s3, name) for name in ("i-a", "i-b")]

    def form(self, number: int) -> None:
        members = [
            {"id": one.name, "address": f"10.0.0.{rank}"} for rank, one in enumerate(self.machines)
        ]
        document = {"formation": number, "members": members}
        self.s3.objects[f"{ROOT}members.json"] = json.dumps(document).encode()

    def tick(self) -> None:
        for one in self.machines:
            one.trainer.tick()

    def until(self, happened: Callable[[], bool]) -> None:
        """Tick until something has happened."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < end, "it never happened"
            self.tick()
            time.sleep(0.02)

    def words(self, number: int) -> set[str]:
        root = f"{ROOT}{number:010d}/"
        return {key.removeprefix(root) for key in self.s3.objects if key.startswith(root)}

    def newest(self) -> Kept | None:
        return Checkpoints(self.s3, bucket="b", prefix="run/1", part=Part(9, 0, 2)).newest()


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def started(site: Site, number: int = 1) -> None:
    """Let both machines start in a formation and keep a first checkpoint."""
    site.form(number)
    site.until(lambda: site.newest() is not None and all(m.told for m in site.machines))


def test_nobody_starts_before_the_gang_is_formed(site: Site) -> None:
    site.tick()
    assert [one.told for one in site.machines] == ["", ""]
    assert not any(one.signs.is_busy for one in site.machines)
    started(site)
    assert [one.told for one in site.machines] == ["10.0.0.0 0 2", "10.0.0.0 1 2"]
    assert all(one.signs.is_busy for one in site.machines)
    stop(site)


def stop(site: Site) -> None:
    """Let both machines go, which stops their programs."""
    for one in site.machines:
        one.signs.tell(Leaving("scale-in", 0))
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))


def test_machines_that_have_to_go_keep_a_checkpoint_first(site: Site) -> None:
    started(site)
    stop(site)
    assert site.newest() == Kept(30, 1)
    assert site.words(1) == {"notice-i-a", "notice-i-b"}


def test_when_one_machine_has_to_go_all_of_them_stop_with_a_checkpoint(site: Site) -> None:
    started(site)
    site.machines[1].signs.tell(Leaving("spot", 0, until=105))
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))
    assert site.newest() == Kept(30, 1)
    assert site.words(1) == {"notice-i-b"}


def test_the_next_formation_goes_on_from_the_newest_checkpoint(site: Site) -> None:
    started(site)
    site.s3.objects[f"{ROOT}{1:010d}/notice-i-x"] = b""
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))
    site.form(2)
    site.until(lambda: all(one.told.endswith(" 30") for one in site.machines))
    stop(site)


def test_a_program_that_fails_stops_the_others_and_says_so(site: Site) -> None:
    started(site)
    site.machines[0].end(3)
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))
    assert site.words(1) == {"failed-i-a"}
    site.tick()
    assert not any(one.signs.is_busy for one in site.machines)


def test_a_trainer_that_died_never_joins_the_formation_again_but_ends_it(site: Site) -> None:
    started(site)
    site.machines[0].boot()
    site.until(lambda: site.words(1) == {"failed-i-a"})
    site.machines[0].end(0)
    site.until(lambda: not site.machines[1].signs.is_busy)


def test_a_demand_for_a_checkpoint_is_met_and_the_training_goes_on(site: Site) -> None:
    started(site)
    site.s3.objects[f"{ROOT}{1:010d}/save-7"] = b""
    site.until(lambda: site.newest() == Kept(20, 1))
    assert all(one.signs.is_busy for one in site.machines)
    stop(site)


def test_a_run_that_is_done_is_said_once_and_never_starts_again(site: Site) -> None:
    started(site)
    for one in site.machines:
        one.end(0)
    site.until(lambda: f"{ROOT}finished" in site.s3.objects)
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))
    assert site.words(1) == set()
    for one in site.machines:
        (one.home / "told").unlink()
    site.form(2)
    site.tick()
    assert [one.told for one in site.machines] == ["", ""]


def test_a_machine_that_is_done_first_stops_no_other(site: Site) -> None:
    started(site)
    site.machines[1].end(0)
    site.until(lambda: not site.machines[1].signs.is_busy)
    site.machines[1].boot()  # and not when its process dies after that either
    for _ in range(3):
        site.tick()
    assert site.words(1) == set()
    assert site.machines[0].signs.is_busy
    site.machines[0].end(0)
    site.until(lambda: f"{ROOT}finished" in site.s3.objects)


def test_a_program_that_does_not_stop_is_killed_while_there_is_time_left(site: Site) -> None:
    for one in site.machines:
        (one.home / "train.sh").write_text(
            "trap '' TERM\necho x >$PEAKFLEET_CHECKPOINTS/../told\nwhile :; do sleep 0.05; done"
        )
    site.form(1)
    site.until(lambda: all(one.told for one in site.machines))
    for one in site.machines:
        one.signs.tell(Leaving("scale-in", 0))
    site.tick()
    for one in site.machines:
        one.now = 240
    site.until(lambda: not any(one.signs.is_busy for one in site.machines))
    assert site.words(1) == {"notice-i-a", "notice-i-b"}


def test_what_was_not_kept_before_a_restart_is_not_taken_for_new(site: Site) -> None:
    started(site)
    stop(site)
    stale = site.machines[0].home / "checkpoints" / "99"
    stale.mkdir()
    for one in site.machines:
        (one.home / "signs" / "leaving").unlink()
        (one.home / "told").unlink()
    site.form(2)
    site.until(lambda: all(one.told for one in site.machines))
    assert not stale.exists()
    stop(site)
    newest = site.newest()
    assert newest is not None
    assert newest.step == 30
