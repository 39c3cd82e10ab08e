"""`python -m analysis paper-check` for a reader: what `paper_check` found, worst first, in 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from analysis import claim_text, paper, paper_check, transfer
from analysis.claim_tests import value
from analysis.claim_text import p_text
from analysis.claim_values import Result


def text(report: dict[str, Any], results: Sequence[Result]) -> str:
    """The whole page. `report` is `paper_check.check(results)`."""
    tables = paper.tables()
    parts = [
        "What the tables of Zan et al. 2023 (arXiv:2308.16824) say, computed from the values as printed",
        _impossible(report["impossible_values"], tables),
        _wrong(report["wrong_increases"]),
        _figure4(report["figure4"]),
        _structure(report, tables[1]),
        _claims(results),
    ]
    return "\n\n".join(parts)


def _impossible(found: list[dict[str, Any]], tables: dict[int, paper.PaperTable]) -> str:
    ns = "; ".join(f"{paper_check.title(lang)} {n}" for lang, (n, _) in paper.why_problems().items())
    lines = _head(f"{len(found)} printed values are no k/N", f"N = {ns}")
    for cell in found:
        lang = next(lang for lang in tables[cell["table"]].printed if paper_check.title(str(lang)) == cell["column"])
        lines.append(f"  {_where(cell)}  {cell['value']}   {_nearest(cell['value'], str(lang))}")
    return "\n".join(lines)


def _nearest(printed: str, lang: str) -> str:
    """The two values that N allows around it, and of which other N it would be a fraction."""
    why = paper.why_problems()
    n = why[lang][0]
    below = int(Decimal(printed) * n / 100)
    near = ", ".join(f"{k}/{n} = {100 * k / n:.2f}" for k in (below, below + 1))
    fits = {f"{k}/{m}" for m, _ in why.values() if (k := paper.solved(printed, m)) is not None}
    return f"nearest {near}" + (f"; it is {', '.join(sorted(fits))}" if fits else "")


def _wrong(found: list[dict[str, Any]]) -> str:
    lines = _head(f"{len(found)} printed increases are not value minus base", "")
    lines += [f"  {_where(wrong)}  printed {wrong['printed']:>5}   cells give {wrong['computed']}" for wrong in found]
    return "\n".join(lines)


def _where(cell: dict[str, Any]) -> str:
    return f"Table {cell['table']}  {cell['row']:<14} on {cell['column']:<11}"


def _figure4(found: dict[str, dict[str, Any]]) -> str:
    lines = _head(
        'Figure 4: correlations, in every reading of "the data in Table 1 as a matrix"',
        "alike: the mean that binomial noise gives when all rows have their column's mean probability (95 %);\n"
        "base: when all have the base's. A mean inside its band is no evidence of transfer.",
    )
    kind = ""
    for name, row in found.items():
        side, _, variant = name.partition(": ")
        if side != kind:
            kind = side
            lines += ["", f"  {side:<42}  pairs   mean    min    max  neg.   alike           base"]
        bands = "  ".join(
            f"{low + 0.0:5.2f} to {high:4.2f}"
            for low, high in (row["null"][null]["mean"] for null in paper_check.NULLS[::-1])
        )
        lines.append(
            f"    {variant:<40}  {row['n_pairs']:>5}  {row['mean']:5.2f}  {row['min']:5.2f}  {row['max']:5.2f}"
            f"  {row['n_negative']:>4}   {bands}"
        )
        if variant == paper_check.WHOLE:
            for what, pairs in (("highest", row["top_pairs"]), ("lowest", row["bottom_pairs"])):
                lines.append(f"      {what}: " + ", ".join(f"{a} and {b} {r:.2f}" for a, b, r in pairs))
    return "\n".join(lines)


def _structure(report: dict[str, Any], table: paper.PaperTable) -> str:
    own, family = report["own_language_advantage"], report["family_effect"]
    lines = _head(
        "Structure of Table 1", "points beyond what training and evaluation language alone let expect; one-sided p"
    )
    lines += [
        f"  own language   {own['points']:+.2f} points, p = {p_text(own['p'])} (all orders of 7 languages)",
        f"  same family    {family['points']:+.2f} points, p = {p_text(family['p'])} (all relabellings; C and C++, "
        "JavaScript and TypeScript)",
        "",
        "  where the differences between the trained rows come from (noise: at most, from sampling problems)",
    ]
    parts = transfer.decompose(table.matrix, table.problems).drop(index="total")
    for name, row in parts.iterrows():
        lines.append(
            f"    {name:<20} {100 * row['share']:5.1f} %   {row['squares']:6.1f} points squared on {row['df']:.0f} df, "
            f"noise {row['noise']:.1f}"
        )
    if value(parts, "interaction", "squares") < value(parts, "interaction", "noise"):
        lines += [
            "    The interaction is smaller than if every cell had drawn problems of its own, as when models solve",
            "    largely the same ones: unpaired tests within a language are then on the careful side.",
        ]
    donors, recipients = transfer.donors(table.matrix)["score"], transfer.recipients(table.matrix)["score"]
    lines += ["", "  mean gain on other languages, by training language; then by evaluation language"]
    for scores in (donors, recipients):
        told = ", ".join(f"{paper_check.title(str(lang))} {points:.1f}" for lang, points in scores.items())
        lines.append(f"    {told}")
    return "\n".join(lines)


def _claims(results: Sequence[Result]) -> str:
    lines = _head(
        f"{len(results)} statements of the text",
        f"{claim_text.tally(results)}.\n"
        "No verdicts are published, so all tests are unpaired; every comparison at the two-sided 5 % level. Over\n"
        "several languages they are taken as independent: p is too small if translations stand and fall together.",
    )
    return "\n".join(lines) + "\n\n" + claim_text.text(results)


def _head(heading: str, detail: str) -> list[str]:
    return [heading, "-" * min(len(heading), claim_text.WIDTH), *(detail.splitlines())]
