"""Craft an instruction corpus: a teacher evolves Python seeds into pairs in one language (section 2.1 of the paper).

python -m codem.craft lang=go n=9000 teacher=openai                  # corpora/<model>/go.jsonl
python -m codem.craft -m lang=python,go,html n=200 teacher=local teacher.model=<name> seeds=seeds.json
"""

from __future__ import annotations

import sys


def main() -> int:
    from codem import config
    from codem.craft import running
    from codem.craft.composing import ENTRY

    return config.command(running.run, ENTRY)


if __name__ == "__main__":
    sys.exit(main())
