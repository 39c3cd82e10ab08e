"""Rows that cannot be made, on a cluster: the others are, and status says what is wrong."""

from __future__ import annotations

import json
import os

import pytest
from places import ON_SLURM, Place, small

pytestmark = pytest.mark.slurm


def corpus(folder, broken: str) -> None:
    folder.mkdir()
    for lang in ("python", "go"):
        items = [{"instruction": f"Return {n}.", "output": f"{lang} {n}"} for n in range(40)]
        lines = [json.dumps(item)[: 20 if lang == broken else None] for item in items]
        (folder / f"{lang}.jsonl").write_text("\n".join(lines) + "\n")


def test_one_row_of_a_slurm_sweep_has_bad_data(place, base, undisturbed):
    source = place.folder / "corpus"
    corpus(source, broken="go")
    command = small(base, "-m", "lang=none,python,go", "method.max_steps=2", f"corpus.source={source}")
    place.run(*command, *ON_SLURM, check=False)
    place.finish()

    rows = {row["run"].split("/")[-2]: row for row in place.status() if row["run"]}
    states = {lang: {s["stage"]: s["state"] for s in row["stages"]} for lang, row in rows.items()}
    assert set(states["python"].values()) == set(states["none"].values()) == {"done"}
    assert states["go"]["train"] == "failed"
    error = next(s["error"] for s in rows["go"]["stages"] if s["stage"] == "train")
    assert "go.jsonl: 40 of 40 rows have no instruction" in error, error
    failed = place.run("codem.status", "--failed", check=False).stdout
    assert "go.jsonl: 40 of 40 rows" in failed
    assert "sft/python" not in failed

    alone = place.folder / "alone"
    alone.mkdir()
    Place(alone).run(*small(base, "-m", "lang=none,python", "method.max_steps=2", f"corpus.source={source}"))
    assert place.results() == Place(alone).results()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can hide a folder from the nodes of a test cluster")
def test_slurm_nodes_do_not_see_the_runs_folder(make_cluster, tmp_path, base):
    runs = tmp_path / "runs"
    runs.mkdir()
    place = Place(tmp_path, make_cluster(hidden=[runs]))
    place.run(*small(base, "lang=go", "method.max_steps=2"), *ON_SLURM, check=False)
    place.finish()
    stages = [stage for row in place.status() for stage in row["stages"]]
    assert "failed" in {stage["state"] for stage in stages}
    assert not {"running", "waiting", "submitted"} & {stage["state"] for stage in stages}
    said = place.run("codem.status", check=False).stdout
    assert "see" in said and str(runs) in said, said
