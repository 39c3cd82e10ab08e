"""`python -m codem.corpus card FILE`: a page about a corpus, with pictures, that a hub can show as its README.md."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from codem.corpus import command_options
from codem.errors import StageError

HELP = "write a Markdown card with figures: what a corpus holds, and how far it can be trusted"


def add(commands: Any) -> None:
    parser = commands.add_parser("card", help=HELP, description=f"{HELP}.".capitalize())
    command_options.files(parser, "+")
    command_options.against(parser)
    command_options.measuring(parser)
    parser.add_argument("--out", metavar="DIR", help="where README.md and its figures go (default: <FILE>.card)")
    parser.add_argument("--name", default="", help="of the corpus (default: the file's)")
    parser.add_argument("--licence", "--license", default="", help="such as apache-2.0 (default: what its record says)")
    parser.add_argument("--examples", type=int, metavar="N", default=10, help="pairs that are shown (default: 10)")
    parser.add_argument("--seed", type=int, metavar="N", default=0, help="by which they are drawn (default: 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from codem.corpus import card_facts, card_figures, card_text
    from codem.run import write_whole

    first = Path(args.files[0]).expanduser().absolute()
    if not args.out and not first.exists():
        raise StageError(f"{args.files[0]}: is no file here; say where the card goes with --out DIR")
    if args.examples < 0:
        raise StageError(f"--examples: expected 0 or more, found {args.examples}")
    out = Path(args.out).expanduser() if args.out else first.with_name(f"{first.name.removesuffix(first.suffix)}.card")
    page = out / card_text.PAGE
    _refuse_others(page, card_text.MARK)
    with contextlib.redirect_stdout(sys.stderr):
        setting = command_options.setting(args)
        given = setting.read(args.files, args.lang, keep_more=True)
        if not given.pairs:
            raise StageError(f"{', '.join(args.files)}: no row is an instruction with a response; nothing to show")
        problems = setting.problems()
        found = setting.examine(given, problems)
        asked = setting.described(len({p.task for p in problems}), compiled=False)
        facts = card_facts.facts(
            args.name or first.stem, given, setting.measure, found, asked,
            examples=args.examples, seed=args.seed, licence=args.licence,
        )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    for stem, figure in card_text.figures(facts, setting.languages):
        card_figures.save(figure, out, stem)
    write_whole(page, card_text.text(facts, setting.languages))
    print(page)
    return 0


def _refuse_others(page: Path, mark: str) -> None:
    """A README.md that somebody wrote stays."""
    if page.exists() and mark not in page.read_text("utf-8", "replace"):
        raise StageError(f"{page}: is there, and is no card of this command; give another --out, or move it away")
