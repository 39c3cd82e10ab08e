"""How long a newcomer waits: `make demo` in a fresh clone with an empty home, set-up and main job apart.

python benchmarks/demo.py          # prints JSON; package caches are used warm, the base model is trained anew
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="codem-demo-") as folder:
        clone = Path(folder) / "codem"
        subprocess.run(["git", "clone", "--quiet", str(REPO), str(clone)], check=True)
        home = Path(folder) / "home"
        home.mkdir()
        caches = Path.home() / ".cache" / "pip", Path.home() / ".npm"
        env = {**os.environ, "HOME": str(home), "PIP_CACHE_DIR": str(caches[0]), "npm_config_cache": str(caches[1])}
        result: dict[str, float | list[str]] = {}
        for name, target in (("set_up_s", [".venv/ready", ".toolchains/ready"]), ("main_job_and_report_s", ["demo"])):
            started = time.monotonic()
            subprocess.run(["make", *target], cwd=clone, env=env, check=True, stdout=subprocess.DEVNULL)
            result[name] = round(time.monotonic() - started, 1)
        # the largest of all processes below this one, kilobytes on Linux
        result["peak_mb_of_any_process"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
        result["runs_mb"] = round(sum(p.stat().st_size for p in (clone / "runs").rglob("*") if p.is_file()) / 1e6, 1)
        result["matrix"] = (clone / "reports" / "demo" / "matrix.csv").read_text().splitlines()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
