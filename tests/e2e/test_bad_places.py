"""A read-only folder, a full disk, a torn file, a lost model: one clear error each, or the right continuation."""

import json
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.e2e


def command(base, *more: str) -> tuple[str, ...]:
    return ("codem.train", "lang=go", f"base={base}", "eval_lang=[python]", "corpus.size=40", "bench.n=5", *more)


@pytest.fixture
def mounted(tmp_path):
    """Mount a small file system at tmp_path/runs; needs root."""
    target = tmp_path / "runs"
    target.mkdir()
    used = []

    def mount(*options: str):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(target)], capture_output=True
        )
        if done.returncode:
            pytest.skip("mounting a small file system needs root")
        used.append(target)
        return target

    yield mount
    for path in used:
        subprocess.run(["umount", str(path)], check=True)


def test_a_read_only_folder(place, micro_base, mounted):
    mounted("ro")
    done = place.run(*command(micro_base), check=False)
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_and_then_room(place, micro_base, mounted):
    target = mounted("size=300k")
    done = place.run(*command(micro_base), check=False)
    assert done.returncode == 1
    assert "full" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["mount", "-o", "remount,size=64m", str(target)], check=True)
    again = place.run(*command(micro_base))
    assert "go" in again.stdout
    fresh = place.run(*command(micro_base, "runs=fresh"))
    assert fresh.stdout.splitlines()[-1] == again.stdout.splitlines()[-1]


def test_torn_and_lost_files(place, micro_base):
    """What a crash can leave: a torn last line in each file, an unfinished record, no model."""
    place.run(*command(micro_base))
    before = place.matrix()
    row = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0"
    evaluation = row / "eval" / "mini" / "python" / "greedy"
    for name in ("samples.jsonl", "verdicts.jsonl"):
        path = evaluation / name
        path.write_bytes(path.read_bytes()[:-9])
    record = json.loads((evaluation / "record.json").read_text())
    del record["finished"], record["judge"]["finished"]
    (evaluation / "record.json").write_text(json.dumps({**record, "status": "running"}))
    shutil.rmtree(row / "model")
    place.run(*command(micro_base))
    assert place.matrix() == before
    assert (row / "model" / "model.safetensors").exists()


def test_data_without_its_record_is_refused(place, micro_base):
    """Nobody can say which recipe made it, so nothing may be added to it."""
    place.run(*command(micro_base))
    row = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0"
    evaluation = row / "eval" / "mini" / "python" / "greedy"
    (evaluation / "record.json").unlink()
    before = (evaluation / "samples.jsonl").read_bytes()
    done = place.run(*command(micro_base), check=False)
    assert done.returncode == 1
    assert "which recipe made it" in done.stderr
    assert (evaluation / "samples.jsonl").read_bytes() == before


def test_stages_alone(place, micro_base):
    """Each stage runs by itself, and says what it waits for."""
    arguments = command(micro_base)[1:]
    early = place.run("codem.execute", *arguments, check=False)
    assert early.returncode == 1
    assert "run python -m codem.generate" in early.stderr
    early = place.run("codem.generate", *arguments, check=False)
    assert "run python -m codem.train first" in early.stderr
    place.run("codem.train", *arguments)
    evaluation = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0" / "eval"
    wanted = sorted((evaluation / "mini" / "python" / "greedy" / "samples.jsonl").read_text().splitlines())
    shutil.rmtree(evaluation)
    place.run("codem.generate", *arguments)
    assert sorted((evaluation / "mini" / "python" / "greedy" / "samples.jsonl").read_text().splitlines()) == wanted
    assert not (evaluation / "mini" / "python" / "greedy" / "verdicts.jsonl").exists()
    place.run("codem.execute", *arguments)
    assert (evaluation / "mini" / "python" / "greedy" / "verdicts.jsonl").exists()


def test_a_model_of_another_template_is_refused_until_declared(place, micro_base):
    arguments = command(micro_base)[1:]
    place.run("codem.train", *arguments)
    row = place.folder / "runs" / micro_base.name / "sft" / "go" / "seed0"
    (row / "model" / "prompt_template.json").write_text('{"sha256": "0123456789abcdef"}')
    shutil.rmtree(row / "eval")
    done = place.run("codem.train", *arguments, check=False)
    assert "decode.other_template=true" in done.stderr
    shutil.rmtree(row / "eval", ignore_errors=True)
    place.run("codem.train", *arguments, "decode.other_template=true")
