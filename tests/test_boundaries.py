"""What may import what. A command line that loads a framework to print its help is slow for everybody, every day."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted((ROOT / "codem").rglob("*.py"))
HEAVY = ("torch", "transformers", "trl", "deepspeed", "accelerate", "pandas", "matplotlib", "seaborn", "numpy", "scipy")
HEAVY += ("openai", "datasketch", "pyarrow")


def imports(path: Path) -> set[str]:
    """The modules that a file names in import statements, wherever they stand."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["codem.train", "--help"],
        ["codem.train", "--cfg", "job"],
        ["codem.generate", "--help"],
        ["codem.execute", "--help"],
        ["codem.status", "--help"],
        ["codem.toolchains", "--help"],
        ["codem.craft", "--help"],
        ["codem.craft", "--cfg", "job"],
        ["codem.corpus", "--help"],
        ["codem.corpus", "check", "--help"],
        ["analysis", "report", "--help"],
    ],
    ids=" ".join,
)
def test_help_loads_no_framework(arguments, tmp_path):
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
        "except SystemExit as e: assert not e.code, e.code\n"
        f"loaded = sorted(set({HEAVY!r}) & set(sys.modules)); assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout


def test_planning_a_grid_loads_no_framework():
    code = (
        "import sys; from codem import config, pipeline, train, generate\n"
        "for c in config.cells(['+sweeps=demo'], True): train.recipe(c)\n"
        f"loaded = sorted(set({HEAVY!r}) & set(sys.modules)); assert not loaded, loaded\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_only_config_touches_hydra_and_omegaconf():
    users = {p.name for p in CODE if any(m.split(".")[0] in ("hydra", "omegaconf") for m in imports(p))}
    assert users == {"config.py", "composing.py", "choices.py"}


def test_only_the_sandbox_starts_programs():
    """The compilers' own version, git, Slurm, package managers and training processes are ours; everything else goes
    through the sandbox."""
    users = {str(p.relative_to(ROOT / "codem")) for p in CODE if "subprocess" in imports(p) or "pty" in imports(p)}
    ours = {"runtime.py", "provenance.py", "toolchains.py", "local_ranks.py"}
    ours |= {f"slurm/{name}.py" for name in ("frozen", "job", "queue", "ranks")}
    assert users <= {"box/alone.py", "box/session.py", "box/watch.py", "sandbox.py"} | ours


def test_only_run_builds_paths_in_a_runs_folder():
    names = ("record.json", "log.txt", *(f"{n}.jsonl" for n in ("prompts", "samples", "verdicts", "metrics", "items")))
    users = {p.name for p in CODE if any(f'"{name}"' in p.read_text() for name in names)}
    assert users == {"run.py"}


def test_analysis_needs_nothing_of_codem_but_records_and_run():
    used = {m for p in (ROOT / "analysis").glob("*.py") for m in imports(p) if m.split(".")[0] == "codem"}
    assert {".".join(m.split(".")[:2]) for m in used} <= {"codem", "codem.records", "codem.run"}


def test_importing_does_nothing():
    """No module of the stages prints, writes or starts anything when imported."""
    modules = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in CODE if p.name != "__init__.py"]
    code = "import importlib, sys\nfor m in sys.argv[1:]: importlib.import_module(m)\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
