"""A corpus card as Markdown: for people, and for hubs that show a data set's README.md with its front matter.

Nothing of a corpus can leave its place on the page: texts stand in fences longer than any in them, short ones in code
spans without line breaks, and what a terminal or browser would obey is spelled out.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codem.corpus import card_figures
from codem.corpus.card_facts import CardFacts
from codem.corpus.card_figures import Bar
from codem.corpus.given import Place
from codem.corpus.instruction_words import NONE, QUESTION
from codem.corpus.lengths import spread
from codem.corpus.rejection import Reason
from codem.corpus.side_by_side import one_line, printable
from codem.language_facts import LanguageFacts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = "README.md"
MARK = "<!-- Written by python -m codem.corpus card; running it again replaces this page. -->"
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
VERBS, OBJECTS = 16, 3
LISTED = 50
EXAMPLE_CHARACTERS = 4_000
LICENCE_ID = re.compile(r"[a-z0-9][a-z0-9.-]*")


def figures(facts: CardFacts, languages: Mapping[str, LanguageFacts]) -> Iterator[tuple[str, Figure]]:
    """(stem, picture)"""
    pairs = len(facts.given.pairs)
    yield (
        "lengths",
        card_figures.lengths(facts.instructions, facts.responses, facts.unit, f"Lengths of {pairs:,} pairs"),
    )
    bars = [Bar(_title(lang, languages), count) for lang, count in facts.languages.items()]
    yield "languages", card_figures.bars(bars, pairs, "Language of the code in the responses", "")
    heading = "What the instructions ask for"
    yield "verbs", card_figures.bars(_verb_bars(facts), pairs, heading, "the verb, and the commonest of its objects")
    bars = [Bar(name, count) for name, count in facts.topics.items()] + [Bar("(none of these)", facts.no_topic)]
    yield "topics", card_figures.bars(bars, pairs, "Topics of the instructions", "an instruction may have several")


def text(facts: CardFacts, languages: Mapping[str, LanguageFacts]) -> str:
    parts = [
        _front_matter(facts),
        MARK,
        f"# {_escaped(facts.name)}",
        *_counts(facts),
        *_origin(facts),
        "## Lengths",
        "![Histograms of the lengths of instructions and responses](lengths.png)",
        _lengths(facts),
        "## Languages",
        "![Bars: pairs by the language of the code in their response](languages.png)",
        "Recognised by fences, by the signs of each language, and by parsing (tree-sitter).",
        _table(("language", "pairs", "share"), _shares(facts.languages, facts, languages)),
        *_faults(facts),
        *_words(facts),
        *_examples(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: CardFacts) -> str:
    licence = facts.origin.licence
    pairs = len(facts.given.pairs)
    lines = ["---"]
    if not licence:
        lines.append("license: unknown")
    elif LICENCE_ID.fullmatch(licence.lower()):
        lines.append(f"license: {json.dumps(licence.lower())}")
    else:
        lines += ["license: other", f"license_name: {json.dumps(one_line(licence, 100))}"]
    lines += ["language:", "- code", f"pretty_name: {json.dumps(one_line(facts.name, 100))}"]
    lines += ["size_categories:", f"- {next((name for most, name in SIZES if pairs < most), '1M<n<10M')}"]
    return "\n".join(
        [*lines, "task_categories:", "- text-generation", "tags:", "- code", "- instruction-tuning", "---"]
    )


def _counts(facts: CardFacts) -> list[str]:
    given = facts.given
    faults = Counter(str(bad.fault) for _, bad in given.bad)
    rows = [("rows", given.rows), *((f"bad rows: {fault}", count) for fault, count in faults.most_common())]
    rows += [("pairs of an instruction and a response", len(given.pairs))]
    if given.cut:
        rows.append(("conversations of which the first exchange counts", given.cut))
    files = [
        (_span(facts.shown[f.name]), f"{f.rows:,}", f.lang or "any", facts.sha256.get(f.name, "")[:16] or "-")
        for f in given.files
    ]
    return [
        "## Counts",
        _table(("what", "number"), [(name, f"{count:,}") for name, count in rows]),
        _table(("file", "rows", "named for", "sha256 begins"), files),
    ]


def _origin(facts: CardFacts) -> list[str]:
    origin = facts.origin
    licence = (
        f"Licence: {_span(origin.licence)}."
        if origin.licence
        else "Licence: **unknown**. Nothing says under which terms these texts may be used; ask whoever made them."
    )
    parts = ["## Licence and provenance", licence]
    if origin.record:
        parts += [
            "Crafted with `python -m codem.craft`; what its record says:",
            _table(("key", "value"), [(_span(key), _span(value)) for key, value in origin.record if value]),
        ]
    if origin.fields:
        parts += [
            "What the rows say of themselves:",
            _table(
                ("field", "value", "rows"),
                [(_span(k), _span(v), f"{n:,}") for k, values in origin.fields.items() for v, n in values.items()],
            ),
        ]
    if not origin.record and not origin.fields:
        parts.append(
            "Provenance: **unknown**. No record of `codem.craft` lies beside the file, and its rows say nothing."
        )
    return parts


def _lengths(facts: CardFacts) -> str:
    rows = []
    for name, counted in (("instructions", facts.instructions), ("responses", facts.responses)):
        of = spread(counted)
        rows.append((name, *(f"{of[k]:,}" for k in ("mean", "median", "p95", "longest")), f"{sum(counted):,}"))
    return f"In {_escaped(facts.unit)}, without the prompt's own words.\n\n" + _table(
        ("", "mean", "median", "95th percentile", "longest", "all"), rows
    )


def _faults(facts: CardFacts) -> list[str]:
    pairs, found, asked = len(facts.given.pairs), facts.found, facts.asked
    rows = [(str(r), f"{found.counts.get(r, 0):,}", _share(found.counts.get(r, 0), pairs)) for r in _reasons(facts)]
    parts = ["## Duplicates, contamination and other faults"]
    parts.append(
        _table(
            ("fault", "pairs", "share"), [*rows, ("(nothing found)", f"{found.clean:,}", _share(found.clean, pairs))]
        )
    )
    parts.append(
        f"A near-duplicate shares {asked['near_duplicate']:.0%} of its runs of three words with an earlier pair. "
        f"Limits of length: {', '.join(f'{k} {v:,}' for k, v in asked['limits'].items())}, in {_escaped(facts.unit)}. "
        "Nothing was built or run."
    )
    if not asked["against"]:
        return [*parts, "Contamination: **not looked for**; `--against humaneval-x` does."]
    parts.append(f"Looked for {asked['problems']:,} tasks of {', '.join(asked['against'])}, in all their languages.")
    leaked = found.of(Reason.CONTAMINATED)
    if leaked:
        rows4 = [
            (
                _span(_place(f.place, facts)),
                f.rejection.other,
                f"{f.rejection.score or 0:.2f}",
                _span(f.rejection.evidence),
            )
            for f in leaked[:LISTED]
        ]
        more = f"\n\n... and {len(leaked) - LISTED:,} more." if len(leaked) > LISTED else ""
        parts.append(_table(("row", "problem", "score", "evidence"), rows4) + more)
    return parts


def _reasons(facts: CardFacts) -> list[Reason]:
    always = [Reason.NEAR_DUPLICATE, *([Reason.CONTAMINATED] if facts.asked["against"] else [])]
    return [*always, *(reason for reason in facts.found.counts if reason not in always)]


def _words(facts: CardFacts) -> list[str]:
    clear = sum(count for asked, count in facts.verbs.items() if asked.verb not in (NONE, QUESTION))
    pairs = len(facts.given.pairs)
    return [
        "## Verbs and topics of the instructions",
        "![Bars: instructions by the verb of their request, with its commonest objects](verbs.png)",
        f"The verb that opens the request was found in {_share(clear, pairs)} of the instructions, by a list of verbs "
        "and without a parser; its object is the last word of the noun phrase after it.",
        "![Bars: instructions by topic](topics.png)",
        "A topic is counted where one of its words stands in the instruction.",
    ]


def _examples(facts: CardFacts) -> list[str]:
    parts = [f"## {len(facts.examples)} random examples"]
    for number, pair in enumerate(facts.examples, 1):
        place = facts.given.places[pair.id]
        parts += [
            f"### {number}. {_span(_place(place, facts))}, {_span(place.id)}",
            "Instruction:",
            _fenced(pair.instruction),
        ]
        parts += ["Response:", _fenced(pair.response)]
    return parts


def _place(place: Place, facts: CardFacts) -> str:
    return f"{facts.shown[place.file]} row {place.row}"


def _verb_bars(facts: CardFacts) -> list[Bar]:
    verbs: Counter[str] = Counter()
    objects: dict[str, Counter[str]] = {}
    for asked, count in facts.verbs.items():
        verbs[asked.verb] += count
        if asked.object:
            objects.setdefault(asked.verb, Counter())[asked.object] += count
    bars = []
    for verb, count in sorted(verbs.items(), key=lambda item: (-item[1], item[0]))[:VERBS]:
        best = sorted(objects.get(verb, Counter()).items(), key=lambda item: (-item[1], item[0]))[:OBJECTS]
        bars.append(Bar(verb, count, ", ".join(f"{name} {n:,}" for name, n in best)))
    left = len(facts.given.pairs) - sum(bar.count for bar in bars)
    return [*bars, Bar(f"({len(verbs) - VERBS} other verbs)", left)] if left else bars


def _shares(counts: Mapping[str, int], facts: CardFacts, languages: Mapping[str, LanguageFacts]) -> list[tuple]:
    pairs = len(facts.given.pairs)
    return [(_escaped(_title(lang, languages)), f"{n:,}", _share(n, pairs)) for lang, n in counts.items()]


def _title(lang: str, languages: Mapping[str, LanguageFacts]) -> str:
    return languages[lang].title if lang in languages else one_line(lang, 30)


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.1f} %" if of else "-"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The first column to the left, numbers to the right. Its cells are Markdown."""
    right = ("number", "rows", "pairs", "share", "score", "mean", "median", "95th percentile", "longest", "all")
    marks = ["---:" if name in right else "---" for name in head]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, marks, *rows))


def _span(text: str) -> str:
    """As a code span, in a table too, where even inside code a bar ends the cell."""
    plain = one_line(text, 160).replace("|", "\N{BROKEN BAR}") or " "
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {plain} {fence}" if longest else f"`{plain}`"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&$-])", r"\\\1", one_line(text, 160))


def _fenced(text: str) -> str:
    shown = printable(text).strip("\n")
    if len(shown) > EXAMPLE_CHARACTERS:
        shown = f"{shown[:EXAMPLE_CHARACTERS]}\n... ({len(shown) - EXAMPLE_CHARACTERS:,} more characters)"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"
