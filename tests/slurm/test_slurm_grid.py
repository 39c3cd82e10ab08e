"""The demonstration's grid on a cluster is the one that this machine makes alone, cell by cell."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slurm


def test_the_grid_through_slurm_equals_the_local_one(place, undisturbed):
    command = ("codem.train", "-m", "lang=none,python,go", "eval_lang=[python,go]")
    place.submit(*command, "launcher.shards=2")
    place.finish()
    alone = undisturbed(*command)
    assert place.results() == alone.results()
    assert place.matrix() == alone.matrix()
    assert {s["state"] for row in place.status() for s in row["stages"]} == {"done"}
    before = place.ledger()
    assert "Nothing" in place.submit(*command, "launcher.shards=2")
    assert place.ledger() == before
    assert not place.cluster.squeue()
