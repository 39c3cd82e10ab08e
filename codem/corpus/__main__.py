"""Look at instruction corpora: what is wrong with them, what they are, how they differ.

python -m codem.corpus check corpora/mine/go.jsonl --against humaneval-x --data-dir ../data
python -m codem.corpus check corpora/mine/*.jsonl --json          # near-duplicates across files too
python -m codem.corpus card corpora/mine/go.jsonl --against humaneval-x --out cards/go
python -m codem.corpus diff corpora/mine/go.jsonl corpora/other/go.jsonl
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from codem.corpus import card_command, check_command, diff_command
from codem.errors import CodemError


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0; 1 when `--strict` found something; 2 when something that is needed is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m codem.corpus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (check_command, card_command, diff_command):
        command.add(commands)
    args = parser.parse_args(argv)
    try:
        code = args.run(args)
        sys.stdout.flush()  # here, and not when Python ends: a closed pipe would then be shown as an exception
        return code
    except BrokenPipeError:  # `| head`: who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (CodemError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
