"""The report's files, its page, and its command line. What a browser makes of it: tests/e2e."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_runs import evaluation, grid, line

from analysis import report, report_answers
from analysis.__main__ import main

ROOT = Path(__file__).parent.parent
PICTURES = (
    *("matrix.png", "correlation_eval.png", "correlation_train.png", "gains.png"),
    *("dendrogram_eval.png", "dendrogram_train.png"),
)
FILES = ("matrix.csv", *PICTURES, "report.html")


class Page(HTMLParser):
    """What a browser would see: tags, what they load, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.data: dict = {}
        self.policy = ""
        self.text = ""
        self._inside: tuple[str, str | None] = ("", None)
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = (tag, dict(attrs).get("type"))
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"]
        for name, value in attrs:
            if name in ("src", "srcset", "poster", "data") or (tag == "link" and name == "href"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")

    def handle_endtag(self, tag):
        self._inside = ("", None)

    def handle_data(self, data):
        if self._inside == ("script", "application/json"):
            self.data = json.loads(data)
        elif self._inside[0] == "script":
            self.scripts.append(data)
        elif self._inside[0] != "style":
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
    html = (written / "report.html").read_text("utf-8")
    page = Page(html)
    assert page.loads and all(load.startswith("data:") for load in page.loads)
    ours = html
    for script in page.scripts:
        ours = ours.replace(script, "")
    assert not re.search(r"url\(|@import|https?://", ours)
    pictures = [load for load in page.loads if load.startswith("data:image/png")]
    assert sorted(base64.b64decode(p.split(",")[1]) for p in pictures) == sorted(
        (written / name).read_bytes() for name in PICTURES
    )
    csv = next(link for link in page.links if link.startswith("data:text/csv"))
    assert base64.b64decode(csv.split(",")[1]) == (written / "matrix.csv").read_bytes()


def test_only_the_pages_own_scripts_may_run(written):
    page = Page((written / "report.html").read_text("utf-8"))
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in page.scripts}
    rules = dict(rule.split(" ", 1) for rule in page.policy.split("; "))
    assert len(hashes) == 2 and set(rules["script-src"].split()) == {f"'sha256-{one}'" for one in hashes}
    assert rules["default-src"] == "'none'"


def test_a_page_of_the_demonstrations_size_is_small(written):
    assert (written / "report.html").stat().st_size < 8_000_000


def test_a_cell_has_its_tests_and_the_problems_behind_it(written):
    """python on python: 1111 against the base's 1100: two gained, none lost; exact McNemar 2 x (1/2)^2 = 0.5."""
    page = Page((written / "report.html").read_text("utf-8"))
    cell = page.data["cells"]["1,0"]
    facts = dict(cell["facts"])
    assert cell["title"] == "Python on Python" and facts["pass@1"] == "100.00 %"
    assert facts["passed"] == "4 of 4 answers to 4 problems" and facts["problems"] == "2 gained, 0 lost of 4"
    assert facts["p"] == "0.500 (exact McNemar test)" and facts["gain"].startswith("+50.00 points (")
    assert [entry["problem"] for entry in cell["problems"]["gained"]] == ["mini/python/2", "mini/python/3"]
    assert cell["problems"]["lost"] == [] and cell["problems"]["hidden"] == [0, 0]
    for entry in cell["problems"]["gained"]:
        outcomes = [page.data["answers"][entry[who]]["outcome"] for who in ("mine", "base")]
        assert outcomes == ["passed", "wrong"]
    assert page.data["cells"]["0,0"]["problems"] is None, "the base is not compared with itself"
    assert "3,2" not in page.data["cells"], "HTML on Go has no score, and nothing behind it"


def test_both_answers_are_those_of_the_run_folders(tmp_path):
    said = {"none": "  return 0\n", "go": "  return 1 < 2 </script>\n"}
    for train, word in (("none", "0"), ("go", "1")):
        folder = evaluation(tmp_path / "runs", train, "go", word)
        sample = {"problem": "mini/go/0", "sample": 0, "text": said[train], "finish": "length"}
        (folder / "samples.jsonl").write_text(json.dumps(sample) + "\n")
        verdict = json.loads((folder / "verdicts.jsonl").read_text()) | {"output_tail": f"said by {train}"}
        (folder / "verdicts.jsonl").write_text(json.dumps(verdict) + "\n")
    (folder / "prompts.jsonl").write_text('{"problem": "mini/go/0", "prompt": "Finish\u2028<this>"}\n')
    html = report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")
    data = Page(html).data
    (entry,) = data["cells"]["1,0"]["problems"]["gained"]
    mine, base = data["answers"][entry["mine"]], data["answers"][entry["base"]]
    assert (mine["text"], base["text"]) == (said["go"], said["none"])
    assert (mine["output"], base["output"], mine["finish"]) == ("said by go", "said by none", "length")
    assert data["prompts"] == {"mini/go/0": "Finish\u2028<this>"}, "which is no end of a line"


def test_of_several_answers_those_are_shown_that_differ(tmp_path):
    """Go: 0 of 3, 1 of 3; the base 2 of 3, 1 of 3: one problem lost, and its passed base answer is sample 1."""
    for train, words in (("none", ("011", "100")), ("go", ("000", "010"))):
        folder = evaluation(tmp_path / "runs", train, "go", "0", problems=2)
        outcomes = {"0": "wrong", "1": "passed"}
        lines = [line("mini", "go", n, outcomes[o], s) for n, word in enumerate(words) for s, o in enumerate(word)]
        (folder / "verdicts.jsonl").write_text("".join(lines))
    data = Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")).data
    problems = data["cells"]["1,0"]["problems"]
    (entry,) = problems["lost"]
    assert not problems["gained"] and entry["score"] == ["0 %", "67 %"]
    assert data["answers"][entry["base"]]["sample"] == 1 and data["answers"][entry["base"]]["text"] is None


def test_what_a_page_cannot_hold_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(report_answers, "MOST", 3)
    monkeypatch.setattr(report_answers, "CHARACTERS", 700)
    for train, word in (("none", "0" * 8), ("go", "1" * 8)):
        folder = evaluation(tmp_path / "runs", train, "go", word)
        samples = [{"problem": f"mini/go/{n}", "sample": 0, "text": "x" * 5_000, "finish": "eos"} for n in range(8)]
        (folder / "samples.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    data = Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")).data
    problems = data["cells"]["1,0"]["problems"]
    assert [entry["problem"] for entry in problems["gained"]] == [f"mini/go/{n}" for n in range(3)]
    assert problems["hidden"] == [5, 0] and data["longest"] == 100
    assert [(len(a["text"]), a["cut"]) for a in data["answers"]] == [(100, 4_900)] * 6


def test_structure_says_what_it_cannot_say(written):
    text = words(Page((written / "report.html").read_text("utf-8")).text)
    for heading in ("Donors", "Recipients", "Best donors", "Negative transfer", "Claims", "Duplicates"):
        assert heading in text
    assert "cannot be said: expected" in text.lower(), "two languages alone have no family effect"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "cells",
    [
        [("none", "go", "10"), ("none", "c", "11")],
        [("go", "go", "10")],
        [(train, lang, "1010") for train in ("none", "go", "c", "java") for lang in ("go", "c", "java")],
    ],
    ids=["base only", "one cell", "all scores alike"],
)
def test_a_grid_with_little_to_say_gives_a_report_without_warnings(tmp_path, cells):
    for train, lang, word in cells:
        evaluation(tmp_path / "runs", train, lang, word)
    text = words(Page(report.write(tmp_path / "runs", tmp_path / "out")[-1].read_text("utf-8")).text)
    assert "annot be said" in text and "nan" not in text.replace("Provenance", "")


def test_claims_of_a_file_are_checked(tmp_path):
    grid(tmp_path / "runs")
    (tmp_path / "claims.yaml").write_text(
        "claims:\n  - {say: Python <b>beats</b> Go, claim: python -> python beats go -> python}\n"
    )
    page = report.write(tmp_path / "runs", tmp_path / "out", claims=tmp_path / "claims.yaml")[-1]
    html = page.read_text("utf-8")
    text = words(Page(html).text)
    assert "Python <b>beats</b> Go" in text and "<b>beats" not in html
    assert "From claims.yaml, on this grid" in text and "+75.00" in text


@pytest.mark.parametrize("kind", ["pdf", "svg"])
def test_figures_to_print_from_hold_their_letters(tmp_path, kind):
    grid(tmp_path / "runs")
    made = {path.name: path for path in report.write(tmp_path / "runs", tmp_path / "out", also=[kind])}
    assert {name.replace(".png", f".{kind}") for name in PICTURES} <= set(made)
    data = made[f"matrix.{kind}"].read_bytes()
    assert data[:5] == (b"%PDF-" if kind == "pdf" else b"<?xml")
    assert b"/FontFile2" in data if kind == "pdf" else b"<text" not in data
    assert b"<image" not in made[f"gains.{kind}"].read_bytes()


def test_the_page_says_what_is_missing(written):
    text = words(Page((written / "report.html").read_text("utf-8")).text)
    assert "HTML on Go has no score: 1 of 4 verdicts are missing (status running)." in text
    assert "1 harness error of the judge, not of the model, left out of every score (HTML on Java: 1)" in text
    assert "The rows of Java were not evaluated alike, so its column does not compare: problems differ." in text
    assert "bubblewrap" in text and "3f2a9c1d77e0" in text and "9ac1f7" in text and "2.11.0" in text


def test_the_links_lead_to_the_run_folders(written):
    page = Page((written / "report.html").read_text("utf-8"))
    folders = [link for link in page.links if not link.startswith(("data:", "#"))]
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
    assert len(page.scripts) == 2 and page.tags.count("script") == 3 and page.text.count(bad) >= 6
    assert "alert(1)" not in "".join(page.scripts)
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


def test_without_arguments_the_runs_folder_here_is_reported(tmp_path, monkeypatch, capsys):
    grid(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "reports/tiny-sft-mini/report.html"
    assert (tmp_path / "reports" / "tiny-sft-mini" / "report.html").is_file()
