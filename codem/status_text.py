"""The facts of codem/status_rows.py for the terminal: a table, what failed with its log, and what to type next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from codem.progress import duration

STATES = ("done", "running", "waiting", "submitted", "missing", "interrupted", "cancelled", "failed")
UNDER_WAY = ("running", "waiting", "submitted")
FAULTS = ("failed", "cancelled", "interrupted")
WIDTH = 100
WHOLE_UP_TO = 20
"""Rows that are all shown; of more, those that are complete are only counted."""
ALIKE_UP_TO = dict.fromkeys(("running", "interrupted", "failed"), 20)
FEW = 10
"""In a table of many rows, as many lines of stages in one state are shown: of these states, and of the others."""
_HEAD = ("row", "stage", "state", "", "job", "node", "elapsed")
_STAGES = ("prepare", "train", "generate", "execute", "summary")

Row = dict[str, Any]


def table(rows: Sequence[Row], width: int = WIDTH) -> str:
    """One line for each stage; a row that is complete is one line with its scores."""
    many = len(rows) > WHOLE_UP_TO
    shown = [row for row in rows if not (many and is_done(row))]
    lines = list(_thinned(_lines(shown))) if many else list(_lines(shown))
    parts = [_counts(rows), ""] if many else []
    return "\n".join([*parts, *_columns(lines, width)]) if lines else "\n".join(parts)


def closing(rows: Sequence[Row]) -> str:
    """How many stages are in which state, and what to type next."""
    counts = Counter(stage["state"] for row in rows for stage in row["stages"])
    said = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    lines = [f"{counts.total()} stages of {sum(r['run'] is not None for r in rows)} rows: {said}."]
    bad = [(row, stage) for row in rows for stage in row["stages"] if stage["state"] in FAULTS]
    if bad:
        first = next((name for row, _ in bad if (name := row["row"])), "")
        pattern = f"'{first}'" if len({row["row"] for row, _ in bad}) == 1 else "'*'"
        by_job = any(stage["job"] for _, stage in bad)
        again = f"python -m codem.launch retry {pattern}" if by_job else "the same command again"
        lines.append(f"Why: python -m codem.status --failed. To go on: {again}.")
    elif any(counts[state] for state in UNDER_WAY):
        lines.append("To wait for it: python -m codem.status --watch.")
    elif counts["missing"]:
        lines.append("What is missing was not submitted, or not begun: the same command goes on.")
    return "\n".join(lines)


def failed(rows: Sequence[Row]) -> str:
    """Every stage that failed, with the end of its log."""
    blocks = []
    for row in rows:
        for stage in row["stages"]:
            if stage["state"] == "failed":
                blocks.append("\n".join([_fault(row, stage), *(f"    {line}" for line in stage["log_tail"])]))
    return "\n\n".join(blocks)


def faults(rows: Sequence[Row]) -> list[str]:
    """A line for each stage that will not be made without doing something."""
    return [_fault(row, stage) for row in rows for stage in row["stages"] if stage["state"] in FAULTS]


def is_done(row: Row) -> bool:
    return bool(row["stages"]) and all(stage["state"] == "done" for stage in row["stages"])


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    """A line for each stage whose state is another one than it was."""
    old = {_key(row, stage): stage["state"] for row in before for stage in row["stages"]}
    lines = []
    for row in after:
        for stage in row["stages"]:
            was = old.get(_key(row, stage), "")
            if was != stage["state"]:
                why = f": {stage['error']}" if stage["error"] else f" {_what(row, stage)}"
                lines.append(f"{row['row']} {_stage_name(stage)} {stage['state']}{why}".rstrip())
    return lines


def _lines(rows: Sequence[Row]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The state, the columns, and what stands below them."""
    for row in rows:
        if is_done(row):
            stage = "all" if row["run"] else row["stages"][0]["stage"]
            took = duration(spent) if (spent := row["spent_s"]) else ""
            yield "done", (row["row"], stage, "done", _scores(row), "", "", took), ""
            continue
        for n, stage in enumerate(row["stages"]):
            place = (stage["job"] or "", stage["node"] or "", duration(e) if (e := stage["elapsed_s"]) else "")
            columns = (row["row"] if n == 0 else "", _stage_name(stage), stage["state"], _what(row, stage), *place)
            yield stage["state"], columns, stage["error"] or ""


def _thinned(lines: Iterator[tuple[str, tuple[str, ...], str]]) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Of hundreds of rows: no finished stages, and not hundreds of lines that say the same."""
    seen: Counter[str] = Counter()
    name = ""
    for state, (row, *rest), below in lines:
        name = row or name
        seen[state] += 1
        if state != "done" and seen[state] <= ALIKE_UP_TO.get(state, FEW):
            yield state, (name, *rest), below
    for state in STATES:
        if state != "done" and (more := seen[state] - ALIKE_UP_TO.get(state, FEW)) > 0:
            yield state, ("...", "", state, f"and {more} more"), ""


def _columns(lines: Sequence[tuple[str, tuple[str, ...], str]], width: int) -> Iterator[str]:
    """The fourth column takes what the others leave, and is broken where it is longer."""
    cells = [_HEAD, *((*columns, *[""] * (len(_HEAD) - len(columns))) for _, columns, _ in lines)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEAD))]
    rest = sum(widths) - widths[3] + 2 * (len(widths) - 1)
    widths[3] = max(1, min(widths[3], max(24, width - rest)))
    for line, below in zip(cells, ["", *(b for _, _, b in lines)], strict=True):
        folded = textwrap.wrap(line[3], widths[3]) or [""]
        for n, piece in enumerate(folded):
            values = [*line[:3], piece, *line[4:]] if n == 0 else ["", "", "", piece, "", "", ""]
            yield "  ".join(v.ljust(w) for v, w in zip(values, widths, strict=True)).rstrip()
        if below:
            yield f"    {below}"


def _what(row: Row, stage: dict[str, Any]) -> str:
    """How far it is, or what it waits for."""
    progress = stage["progress"]
    said = []
    if stage["state"] in ("waiting", "submitted") and (names := stage["waits_for"]):
        first = names[0] if names[0].startswith(("for ", "to ", "because ")) else f"for {names[0]}"
        said.append(first + (f" and {len(names) - 1} more" if len(names) > 1 else ""))
    if stage["state"] == "missing" and stage["stage"] == "execute" and _is_generated(row, stage):
        said.append("generated, not judged")
    if progress and stage["state"] != "done":
        left = {} if stage["state"] == "running" else {"eta_s": None}
        said += filter(None, [_progress({**progress, **left})])
    if stage["requeues"]:
        said.append(f"{stage['requeues']} requeue{'s' if stage['requeues'] > 1 else ''}")
    return "; ".join(said)


def _progress(progress: dict[str, Any]) -> str:
    of = f" of {progress['of']}" if progress.get("of") else ""
    if "step" in progress:
        loss = progress.get("loss")
        parts = [f"step {progress['step']}{of}", f"loss {loss:.3f}" if isinstance(loss, (int, float)) else ""]
        parts.append(f"{duration(progress['eta_s'])} left" if progress.get("eta_s") else "")
        return ", ".join(filter(None, parts))
    for what in ("answers", "verdicts"):
        if progress.get(what):
            return f"{progress[what]}{of} {what}"
    return ""


def _scores(row: Row) -> str:
    """pass@1 in %, of each benchmark and decoding."""
    said = []
    for bench, decode in dict.fromkeys((e["bench"], e["decode"]) for e in row["evaluations"]):
        mine = [e for e in row["evaluations"] if (e["bench"], e["decode"]) == (bench, decode)]
        scored = [f"{e['lang']} {100 * e['passed'] / e['judged']:.1f}" for e in mine if e["passed"] is not None]
        of = {_of(e) for e in mine if e["passed"] is not None}
        if scored:
            said.append(f"{bench} {decode}: {', '.join(scored)} %{' of ' + of.pop() if len(of) == 1 else ''}")
    return "; ".join(said)


def _of(evaluation: dict[str, Any]) -> str:
    """What was judged: problems, or several answers to each."""
    judged, samples = evaluation["judged"], evaluation["samples"]
    return f"{judged // samples} x {samples}" if samples > 1 else str(judged)


def _counts(rows: Sequence[Row]) -> str:
    """Stages by state, a line for each stage."""
    counts = {stage: Counter(s["state"] for r in rows for s in r["stages"] if s["stage"] == stage) for stage in _STAGES}
    lines = []
    for stage, states in counts.items():
        if states:
            said = ", ".join(f"{states[state]} {state}" for state in STATES if states[state])
            lines.append(f"{stage:<9} {said}")
    return "\n".join(lines)


def _fault(row: Row, stage: dict[str, Any]) -> str:
    job = f" (job {stage['job']}{' on ' + stage['node'] if stage['node'] else ''})" if stage["job"] else ""
    return f"{row['row']}: {_stage_name(stage)} {stage['state']}{job}: {stage['error'] or 'no reason is known'}"


def _stage_name(stage: dict[str, Any]) -> str:
    return f"{stage['stage']} {stage['shard']}" if stage["shard"] else str(stage["stage"])


def _is_generated(row: Row, stage: dict[str, Any]) -> bool:
    same = [s for s in row["stages"] if s["stage"] == "generate" and s["decode"] == stage["decode"]]
    return any(s["state"] == "done" and s["bench"] == stage["bench"] for s in same)


def _key(row: Row, stage: dict[str, Any]) -> tuple:
    return row["row"], stage["stage"], stage["bench"], stage["decode"], stage["shard"]
