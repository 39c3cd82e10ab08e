"""The command line of the analysis.

python -m analysis report                                   # of runs/, into reports/
python -m analysis report runs/ --out reports/demo --base tiny
python -m analysis matrix runs/ --format latex
python -m analysis power --effect 5 --problems 164 --seeds 3
python -m analysis paper-check
python -m analysis claims my_claims.yaml runs/
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from analysis import claim_commands, report_command
from analysis import commands as table_commands
from analysis.load import BadRuns


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="What a finished grid of runs says.")
    commands = parser.add_subparsers(dest="command", required=True)
    report_command.add(commands)
    table_commands.add(commands)
    claim_commands.add(commands)
    args = parser.parse_args(argv)
    try:
        code = args.run(args)
        sys.stdout.flush()  # here, and not when Python ends: a closed pipe would then be shown as an exception
        return code
    except BrokenPipeError:  # `| head`: who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (BadRuns, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
