"""The notebooks run from the first cell to the last, show what they say, and are stored without outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from synthetic_runs import grid

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_without_outputs_and_thin(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert not any("def " in cell.source or "class " in cell.source for cell in code), "what is defined is in analysis/"


def executed(name: str, folder: Path) -> list[Any]:
    """The outputs of a notebook, in their order."""
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "stream"], "a warning or a stray print"
    assert not [output for output in shown if set(output["data"]) == {"text/plain"}], "something without a display"
    return shown


def count(shown: list[Any], kind: str) -> int:
    return sum(kind in output.get("data", {}) for output in shown)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def test_from_runs_to_matrix_heat_maps_and_tests(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEM_RUNS", str(grid(tmp_path / "runs")))
    shown = executed("transfer_matrix.ipynb", tmp_path)
    assert count(shown, "image/png") == 4 and count(shown, "text/html") >= 6


def test_the_papers_tables_are_checked(tmp_path):
    shown = executed("paper_check.ipynb", tmp_path)
    assert count(shown, "image/png") >= 2 and count(shown, "text/html") >= 5
