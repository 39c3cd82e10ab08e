"""A cluster for each test, a folder to run commands in, and what an undisturbed run on this machine gives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import slurm_packages
from cluster import Cluster
from once import once
from places import Place


@pytest.fixture(autouse=True, scope="session")
def slurm() -> None:
    """Its programs, which cluster.py gets where it can."""
    try:
        slurm_packages.find()
    except slurm_packages.NoSlurm as error:
        pytest.skip(str(error))


@pytest.fixture
def make_cluster(tmp_path) -> Iterator[Callable[..., Cluster]]:
    """Clusters as a test wants them. All are stopped when it is over, however it ended."""
    made: list[Cluster] = []

    def make(**wanted) -> Cluster:
        cluster = Cluster(tmp_path / f"cluster{len(made)}", **{"ends_with": os.getpid(), **wanted})
        made.append(cluster)
        cluster.start()
        return cluster

    yield make
    for cluster in made:
        cluster.stop()
        assert not cluster.processes()


@pytest.fixture
def cluster(make_cluster) -> Cluster:
    return make_cluster()


@pytest.fixture
def place(tmp_path, cluster) -> Place:
    """Where commands find the test's cluster."""
    return Place(tmp_path, cluster)


@pytest.fixture(scope="session")
def base(shared) -> Path:
    """A folder with a model small enough to be trained in a second."""
    from codem import tiny

    recipe = tiny.TinyRecipe(documents=400, layers=1, width=16, heads=2, batch_rows=8)
    return Path(once(shared / "micro", lambda folder: str(tiny.ensure(folder, recipe))))


@pytest.fixture(scope="session")
def undisturbed(shared) -> Callable[..., Place]:
    """Where a command has run here, without a cluster and alone. The same command is run once in all tests."""

    def ran(*arguments: str) -> Place:
        def run(folder: Path) -> list[Any]:
            Place(folder).run(*arguments)
            return []

        folder = shared / f"undisturbed-{sha256(' '.join(arguments).encode()).hexdigest()[:16]}"
        once(folder, run)
        return Place(folder)

    return ran


@pytest.fixture
def trained(place, undisturbed) -> Callable[..., Place]:
    """`place`, where the command has been run already, but only as far as the models."""

    def copied(*arguments: str) -> Place:
        shutil.copytree(undisturbed(*arguments).runs, place.runs, ignore=shutil.ignore_patterns("eval"))
        return place

    return copied
