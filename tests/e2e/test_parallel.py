"""launcher.parallel=2: the same results as one row after another, and the same answers to whatever goes wrong."""

import json
import os
import signal
import subprocess
import time

import pytest
from environment import clean_environment

from codem.world import corpora

pytestmark = pytest.mark.e2e
ROWS = "lang=none,python,go"
WAIT_S = 240


def command(base, *more: str) -> tuple[str, ...]:
    small = ("eval_lang=[python,go]", "corpus.size=40", "bench.n=5", "method.gpus=1", "method.precision=fp32")
    fast = ("method.gradient_checkpointing=false", "method.checkpoint_steps=5", "method.epochs=4")
    return ("codem.train", "-m", f"base={base}", *small, *fast, *more)


def files(folder, pattern: str) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob(pattern))}


def verdicts(folder) -> dict[str, list]:
    """Without what is never the same twice."""
    made = {}
    for path, text in files(folder, "verdicts.jsonl").items():
        rows = [json.loads(line) for line in text.splitlines()]
        made[path] = [(r["problem"], r["sample"], r["outcome"], r["program_sha256"]) for r in rows]
    return made


def same(place, one: str, other: str) -> None:
    a, b = place.folder / one, place.folder / other
    assert len(files(a, "model.safetensors")) == 2
    assert files(a, "model.safetensors") == files(b, "model.safetensors")
    assert len(verdicts(a)) == 6
    assert verdicts(a) == verdicts(b)
    assert place.matrix(one) == place.matrix(other)


def test_two_rows_at_once_are_the_same_as_one_after_another(place, micro_base):
    at_once = place.run(*command(micro_base, ROWS, "launcher.parallel=2", "runs=at_once"))
    one_by_one = place.run(*command(micro_base, ROWS, "runs=one_by_one"))
    same(place, "at_once", "one_by_one")
    assert at_once.stdout.splitlines()[-4:] == one_by_one.stdout.splitlines()[-4:]
    name = f"at_once/{micro_base.name}/sft/go/seed0"
    assert f"[3/3] {name}: train, generate, execute" in at_once.stdout
    assert f"[3/3] {name} judge go: 10 answers in 2 languages" in at_once.stdout
    (record,) = (r for path, r in place.records("at_once").items() if path.endswith("go/seed0/record.json"))
    assert "launcher.parallel=2" in record["argv"]
    before = place.times("at_once")
    again = place.run(*command(micro_base, ROWS, "launcher.parallel=2", "runs=at_once"))
    assert "Nothing to do" in again.stdout
    assert place.times("at_once") == before


def test_a_row_that_fails_does_not_stop_the_others(place, micro_base):
    own = place.folder / "corpus"
    own.mkdir()
    for lang in ("python", "java"):
        rows = corpora.instructions(lang, 0)[:40]
        (own / f"{lang}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (own / "go.jsonl").write_text("")
    rows = command(micro_base, "lang=go,python,java", f"corpus.source={own}", "launcher.parallel=2")
    done = place.run(*rows, check=False)
    assert done.returncode == 1
    assert f"[1/3] runs/{micro_base.name}/sft/go/seed0 failed: " in done.stderr
    assert "the corpus is empty" in done.stderr
    assert "1 of 3 rows failed" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith(("python", "java"))] == [
        "python",
        "java",
    ]
    status = {r["train"]: r["status"] for r in json.loads(place.run("codem.status", "--json").stdout) if r["run"]}
    assert status == {"go": "failed", "python": "done", "java": "done"}


@pytest.mark.parametrize(
    ("by", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_the_command_is_ended_and_its_rows_with_it(place, micro_base, by, code):
    """As Ctrl-C, `kill` and the kernel do it. What is finished is kept, and the same command goes on."""
    rows = command(micro_base, "lang=none,python,go", "launcher.parallel=2", "method.epochs=8")
    started = subprocess.Popen(
        place.command(*rows),
        cwd=place.folder,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    row = place.folder / "runs" / micro_base.name / "sft" / "python" / "seed0"
    wait_for(lambda: started.poll() is not None or lines(row / "metrics.jsonl") >= 3)
    if by is signal.SIGINT:
        os.killpg(started.pid, by)  # a terminal sends it to every process of the command
    elif started.poll() is None:
        started.send_signal(by)
    assert started.wait(WAIT_S) == code
    if by is signal.SIGKILL:
        wait_for(lambda: not of_command(place))
    assert not of_command(place)
    record = json.loads((row / "record.json").read_text())
    assert record["status"] == "failed"
    assert "stopped by SIGTERM" in record["error"]
    place.run(*rows)
    place.run(*command(micro_base, "lang=none,python,go", "method.epochs=8", "runs=undisturbed"))
    same(place, "runs", "undisturbed")


def test_what_rows_share_cannot_be_made(place, micro_base, tmp_path):
    """The tokenizer is broken: said once for the base, and no row begins."""
    import shutil

    base = shutil.copytree(micro_base, tmp_path / "broken")
    (base / "tokenizer.json").write_text("{")
    done = place.run(*command(base, "lang=python,go", "launcher.parallel=2"), check=False)
    assert done.returncode == 1
    assert done.stderr.count("its tokenizer cannot be read") == 1
    assert "2 of 2 rows failed" in done.stdout
    assert not (place.folder / "runs" / "broken").exists()


def lines(path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(happened) -> None:
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def of_command(place) -> list[int]:
    """Living processes that work in this place."""
    found = []
    for path in os.listdir("/proc"):
        try:
            if path.isdigit() and os.readlink(f"/proc/{path}/cwd") == str(place.folder) and int(path) != os.getpid():
                found.append(int(path))
        except OSError:
            continue
    return found
