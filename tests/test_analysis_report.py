"""The report's files, its command line, and the notebook."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from synthetic_runs import evaluation, grid

from analysis import report
from analysis.__main__ import main

ROOT = Path(__file__).parent.parent
PICTURES = ("matrix.png", "correlation_eval.png", "correlation_train.png")
FILES = ("matrix.csv", *PICTURES, "report.html")


class Page(HTMLParser):
    """What a browser would see: tags, what they load, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data") or (tag == "link" and name == "href"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_data(self, data):
        self.text += data


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("grid")
    evaluation(grid(root / "runs"), "html", "java", "1h")
    evaluation(root / "runs", "html", "go", "110", problems=4, record={"status": "running"})
    assert main(["report", str(root / "runs"), "--out", str(root / "out" / "demo")]) == 0
    return root / "out" / "demo"


def test_a_report_without_a_word_more(tmp_path, monkeypatch, capsys):
    grid(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    assert (tmp_path / "reports" / "tiny-sft-mini" / "report.html").is_file()
    assert "reports/tiny-sft-mini/report.html" in capsys.readouterr().out


def test_every_file_is_there(written):
    assert sorted(path.name for path in written.iterdir()) == sorted(FILES)
    for name in PICTURES:
        data = (written / name).read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 5_000


def test_the_csv(written):
    assert (written / "matrix.csv").read_bytes() == (
        b"train,python,java,go\nnone,50.00,25.00,25.00\npython,100.00,50.00,25.00\ngo,25.00,25.00,100.00\n"
        b"html,,100.00,\nmixed,75.00,100.00,0.00\n"
    )


def test_the_page_holds_everything_itself(written):
    page = Page((written / "report.html").read_text("utf-8"))
    assert "script" not in page.tags
    assert page.loads and all(load.startswith("data:") for load in page.loads)
    assert not re.search(r"url\(|@import|https?://", (written / "report.html").read_text("utf-8"))
    pictures = [load for load in page.loads if load.startswith("data:image/png")]
    assert [base64.b64decode(p.split(",")[1]) for p in pictures] == [(written / n).read_bytes() for n in PICTURES]
    csv = next(link for link in page.links if link.startswith("data:text/csv"))
    assert base64.b64decode(csv.split(",")[1]) == (written / "matrix.csv").read_bytes()


def test_the_page_says_what_is_missing(written):
    text = words(Page((written / "report.html").read_text("utf-8")).text)
    assert "HTML on Go has no score: 1 of 4 verdicts are missing (status running)." in text
    assert "1 harness error of the judge, not of the model, left out of every score (HTML on Java: 1)" in text
    assert "The rows of Java were not evaluated alike, so its column does not compare: problems differ." in text
    assert "bubblewrap" in text and "3f2a9c1d77e0" in text and "9ac1f7" in text and "2.11.0" in text


def test_the_links_lead_to_the_run_folders(written):
    page = Page((written / "report.html").read_text("utf-8"))
    folders = [link for link in page.links if not link.startswith("data:")]
    assert folders and all((written / link).is_dir() for link in folders)


def test_the_same_runs_give_the_same_bytes(written):
    before = {name: (written / name).read_bytes() for name in FILES}
    report.write(written.parent.parent / "runs", written)
    assert {name: (written / name).read_bytes() for name in FILES} == before


def test_text_from_records_stays_text(tmp_path):
    bad = '</script><script>alert(1)</script><img src="http://evil/x">\'"&'
    folder = evaluation(tmp_path / "runs", "none", "go", "10", decode="<b>greedy", record={"status": bad})
    other = {"judge": {"recipe": {"compiler": bad, bad: bad}}, "packages": {bad: bad}, "code": {"commit": bad}}
    evaluation(tmp_path / "runs", "go", "go", "10", decode="<b>greedy", record={"status": "running", **other})
    run = folder.parents[3] / "record.json"
    run.write_text(json.dumps({"status": bad, "recipe": {bad: bad}, "argv": [bad], "host": bad, "fingerprint": bad}))
    page = Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8"))
    assert "script" not in page.tags and "b" in page.tags and page.text.count(bad) >= 6
    assert all(load.startswith("data:") for load in page.loads)
    assert "<b>greedy" in page.text


@pytest.mark.parametrize("records", [{}, {"recipe": None, "judge": [], "packages": 3, "code": "x"}, [1]])
def test_records_of_any_shape_still_give_a_report(tmp_path, records):
    folder = evaluation(tmp_path / "runs", "go", "go", "10")
    for path in (folder, folder.parents[3]):
        (path / "record.json").write_text(json.dumps(records))
    text = words(Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")).text)
    assert "no record says how many verdicts it should have" in text
    assert (tmp_path / "out" / "matrix.csv").read_text() == "train,go\ngo,\n"


def test_an_evaluation_without_verdicts_is_named(tmp_path):
    evaluation(tmp_path / "runs", "none", "go", "10")
    evaluation(tmp_path / "runs", "python", "c", "10")
    evaluation(tmp_path / "runs", "python", "go", "", record={"status": "generated"})
    text = words(Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")).text)
    assert "Python on Go (seed 0): no verdicts yet, status generated." in text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda runs: None, "expected a folder of runs"),
        (lambda runs: runs.mkdir(), "expected verdicts, found none"),
        (lambda runs: [evaluation(runs, "go", "go", "1", base=b) for b in ("tiny", "big")], "add --base big"),
        (lambda runs: (evaluation(runs, "go", "go", "") / "verdicts.jsonl").write_text('{"prob'), "only torn lines"),
    ],
)
def test_one_clear_error_and_exit_code_2(tmp_path, capsys, make, message):
    make(tmp_path / "runs")
    assert main(["report", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def python(*args: str) -> str:
    done = subprocess.run([sys.executable, *args], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_the_help_is_quick():
    heavy = "{'pandas', 'matplotlib', 'seaborn', 'numpy', 'torch', 'transformers'}"
    code = f"import sys, analysis, analysis.__main__; print(sorted({heavy} & set(sys.modules)))"
    assert python("-c", code).strip() == "[]"
    assert "--decode" in python("-m", "analysis", "report", "--help")


def test_no_torch_and_nothing_of_codem_but_records_and_run():
    modules = ", ".join(f"analysis.{p.stem}" for p in sorted((ROOT / "analysis").glob("[!_]*.py")))
    code = (
        f"import sys, {modules}; print(*sorted(m for m in sys.modules if m.split('.')[0] in "
        "('torch', 'transformers', 'omegaconf', 'hydra') or m.startswith('codem.')))"
    )
    assert set(python("-c", code).split()) <= {"codem.records", "codem.run", "codem.errors"}


def test_the_notebook_runs(tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("CODEM_RUNS", str(grid(tmp_path / "runs")))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "notebooks" / "transfer_matrix.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 3
    assert not [output for output in shown if output.output_type == "stream"], "a warning or a stray print"
