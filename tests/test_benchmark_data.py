"""Benchmarks' files: found in a folder, fetched from a server, damaged, missing."""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import re
import shutil
import threading
from pathlib import Path

import pytest

from codem import plugins
from codem.benchmark_data import HOME, BadData, Source
from codem.benchmarks import humaneval_c, humaneval_typescript, humaneval_x
from codem.records import Problem


@functools.cache
def loaded(data_dir: Path, bench: str, lang: str) -> list[Problem]:
    module = plugins.load("benchmarks", bench)
    return module.problems(lang, module.Config(), Source(data_dir, Path("/nonexistent")))


@pytest.fixture
def go_file(data_dir, tmp_path) -> Path:
    """A copy that may be damaged, lying directly in the folder."""
    return Path(shutil.copy(data_dir / "humaneval-x" / "humaneval_go.jsonl.gz", tmp_path / "humaneval_go.jsonl.gz"))


def problems_from(folder: Path, bench=humaneval_x, lang: str = "go") -> list[Problem]:
    return bench.problems(lang, bench.Config(), Source(folder, folder / "cache"))


def test_files_may_lie_in_the_folder_itself_and_unpacked(data_dir, go_file):
    wanted = loaded(data_dir, "humaneval-x", "go")
    assert problems_from(go_file.parent) == wanted
    (go_file.parent / "humaneval_go.jsonl").write_bytes(gzip.decompress(go_file.read_bytes()))
    go_file.unlink()
    assert problems_from(go_file.parent) == wanted


def test_a_torn_file(go_file):
    go_file.write_bytes(go_file.read_bytes()[:20_000])
    with pytest.raises(BadData, match=r"humaneval_go\.jsonl\.gz: cannot be read .*; get it again from https://"):
        problems_from(go_file.parent)


def test_all_damaged_rows_are_named(go_file):
    lines = gzip.decompress(go_file.read_bytes()).decode().splitlines()
    row = json.loads(lines[4])
    del row["test"], row["prompt"]
    lines[4] = json.dumps(row)
    lines[9] = lines[9][:100]
    lines[11] = "17"
    go_file.write_bytes(gzip.compress("\n".join(lines).encode()))
    with pytest.raises(BadData) as error:
        problems_from(go_file.parent)
    said = str(error.value)
    assert re.search(r"gz:5: expected text in the fields .*; not in prompt, test$", said, re.M)
    assert re.search(r"gz:10: expected one JSON object per line", said)
    assert re.search(r"gz:12: expected text in the fields", said)


def test_a_row_too_few(go_file):
    lines = gzip.decompress(go_file.read_bytes()).splitlines()
    go_file.write_bytes(gzip.compress(b"\n".join(lines[:-1])))
    with pytest.raises(BadData, match="expected 164 rows, found 163"):
        problems_from(go_file.parent)


def test_rows_of_another_form(go_file):
    rows = [json.loads(line) for line in gzip.decompress(go_file.read_bytes()).splitlines()]
    rows[3]["prompt"] = rows[8]["prompt"] = ""
    go_file.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    with pytest.raises(BadData, match=r"Go/3: not in the form(?s:.*)Go/8: not in the form"):
        problems_from(go_file.parent)


def test_every_missing_file_is_named(tmp_path):
    with pytest.raises(BadData) as error:
        problems_from(tmp_path, humaneval_c, "c")
    assert "humaneval-c/humaneval_c_functions.jsonl: no such file; get it from https://" in str(error.value)
    assert "humaneval/HumanEval.jsonl.gz: no such file" in str(error.value)
    with pytest.raises(BadData, match=r"poly_humaneval_sol\.json\.gz: no such file"):
        problems_from(tmp_path, humaneval_typescript, "typescript")


def test_a_file_of_solutions_that_is_something_else(data_dir, tmp_path):
    shutil.copy(data_dir / "multilingual-humaneval" / "HumanEval_typescript_v1.jsonl.gz", tmp_path)
    (tmp_path / "poly_humaneval_sol.json").write_text('{"python": {}}')
    with pytest.raises(BadData, match=r"poly_humaneval_sol\.json: cannot be read \(KeyError: 'typescript'\)"):
        problems_from(tmp_path, humaneval_typescript, "typescript")


# --- fetching ---


class Mirror(http.server.ThreadingHTTPServer):
    """Serves the published files by their names, as the repositories have them."""

    def __init__(self, folder: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.asked: list[str] = []
        self.damage = ""

    @property
    def home(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{{repo}}/{{commit}}/{{path}}"

    def content(self, name: str) -> bytes | None:
        if name == "decompile-eval.json":
            rows = [json.loads(line) for line in (self.folder / "humaneval-c/humaneval_c_functions.jsonl").open()]
            numbered = [{**row, "task_id": int(row["task_id"][10:])} for row in rows]
            return json.dumps([{**row, "type": kind} for row in numbered for kind in ("O0", "O1")], indent=4).encode()
        for path in self.folder.glob(f"*/{name}*"):
            data = path.read_bytes()
            return data if path.name == name else gzip.decompress(data)
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data = self.server.content(self.path.rpartition("/")[2])
        if data is None:
            return self.send_error(404)
        if self.server.damage == "other":
            data = gzip.compress(gzip.decompress(data) + b"\n")
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if self.server.damage == "cut" else data)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def mirror(data_dir):
    with Mirror(data_dir) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("bench", "lang", "asked"),
    [
        ("humaneval-x", "go", [f"/zai-org/CodeGeeX/{humaneval_x.COMMIT}/codegeex/benchmark/humaneval-x/go/data/"]),
        ("humaneval-c", "c", ["/albertan017/LLM4Decompile/", "/openai/human-eval/"]),
        ("humaneval-multi", "typescript", ["/amazon-science/mxeval/", "/polyeval/poly-humaneval/"]),
    ],
)
def test_fetched_once(data_dir, mirror, tmp_path, bench, lang, asked):
    module = plugins.load("benchmarks", bench)
    for _ in range(2):
        found = module.problems(lang, module.Config(home=mirror.home), Source(None, tmp_path))
        assert found == loaded(data_dir, bench, lang)
    assert len(mirror.asked) == len(asked)
    assert all(path.startswith(start) for path, start in zip(mirror.asked, asked, strict=True))


def test_a_damaged_cache_is_fetched_again(data_dir, mirror, tmp_path):
    config = humaneval_x.Config(home=mirror.home)
    humaneval_x.problems("go", config, Source(None, tmp_path))
    (kept,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert kept == tmp_path / "data" / "humaneval-x" / "humaneval_go.jsonl"
    kept.write_bytes(kept.read_bytes()[:-100])
    assert humaneval_x.problems("go", config, Source(None, tmp_path)) == loaded(data_dir, "humaneval-x", "go")
    assert len(mirror.asked) == 2


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("other", r"expected content with sha256 87aba5e8\w+, found \w+: not the file"),
        ("cut", r"cannot be fetched \(IncompleteRead"),
    ],
)
def test_another_content_leaves_nothing_behind(mirror, tmp_path, damage, said):
    mirror.damage = damage
    with pytest.raises(BadData, match=said) as error:
        humaneval_x.problems("go", humaneval_x.Config(home=mirror.home), Source(None, tmp_path))
    assert "put the file into a folder D as humaneval-x/humaneval_go.jsonl.gz and add data_dir=D" in str(error.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_network_names_the_way_out(tmp_path):
    config = humaneval_c.Config(home="http://127.0.0.1:9/{repo}/{commit}/{path}")
    with pytest.raises(BadData) as error:
        humaneval_c.problems("c", config, Source(None, tmp_path))
    assert str(error.value).count("without network, put the file into a folder D as humaneval") == 2
    assert str(error.value).count("add data_dir=D") == 2


def test_a_home_that_is_no_pattern(tmp_path):
    with pytest.raises(BadData, match="home: expected an address with {repo}, {commit} and {path}, found"):
        humaneval_x.problems("go", humaneval_x.Config(home="http://mirror/{folder}"), Source(None, tmp_path))
    assert all(part in HOME for part in ("{repo}", "{commit}", "{path}"))
