"""The source roots are folders that Python never takes for packages.

An editor's "new package" puts an `__init__.py` where one of these tests then fails: a package
`constructs` here would hide the one from PyPI that the CDK imports.
"""

from __future__ import annotations

from pathlib import Path

import constructs
import pytest

from tests.conftest import SLOW

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", ["constructs", "lambda", "workbench"])
def test_a_source_root_is_not_a_package(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not (ROOT / folder / "__init__.py").exists()


@pytest.mark.parametrize("folder", ["constructs", "lambda"])
def test_no_folder_of_tests_hides_a_package(folder: str) -> None:
    assert not (ROOT / "tests" / folder).exists()


def test_constructs_is_the_package_from_pypi() -> None:
    assert constructs.__file__ is not None
    assert "site-packages" in Path(constructs.__file__).parts


@pytest.mark.parametrize("name", SLOW)
def test_what_is_marked_slow_as_a_whole_exists(name: str) -> None:
    assert (ROOT / "tests" / name).exists()
