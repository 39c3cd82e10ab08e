// The page's own script: tooltips and dialogs of the matrix, and the charts in the colours of the reader's theme.
// Whatever models or records wrote enters the page as textContent, never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  document.documentElement.classList.add("scripted");

  const make = (tag, className, text) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // ---- tooltips
  const tip = document.getElementById("tip");
  const factList = (facts) => {
    const list = make("dl", "facts");
    for (const [name, text] of facts) list.append(make("dt", "", name), make("dd", "", text));
    return list;
  };
  const showTip = (button) => {
    const cell = data.cells[button.dataset.cell];
    if (!cell) return;
    tip.replaceChildren(make("b", "", cell.title), factList(cell.facts));
    tip.hidden = false;
    const at = button.getBoundingClientRect(), mine = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - mine.width / 2), innerWidth - mine.width - 8);
    const below = at.bottom + 8 + mine.height < innerHeight || at.top < mine.height + 8;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? at.bottom + 8 : at.top - mine.height - 8}px`;
    button.setAttribute("aria-describedby", "tip");
  };
  const hideTip = () => { tip.hidden = true; };
  // A cell that was reached by the keyboard is scrolled to: its tip goes along.
  const followTip = () => {
    const focused = document.activeElement;
    if (!tip.hidden && focused.matches("button.cell:focus-visible")) showTip(focused); else hideTip();
  };

  // ---- the dialog
  const dialog = document.getElementById("behind"), body = document.getElementById("behind-body");
  const OUTCOMES = new Set(["passed", "wrong", "compile_error", "runtime_error", "timeout", "memory", "output_limit"]);
  const badge = (outcome) => {
    const element = make("span", "badge", outcome.replaceAll("_", " ") || "no verdict");
    if (OUTCOMES.has(outcome)) element.style.setProperty("--o", `var(--o-${outcome})`);
    return element;
  };
  const side = (who, answer, score) => {
    const column = make("section", "side");
    const head = make("h4", "", who + " ");
    head.append(badge(answer.outcome));
    column.append(head);
    const told = [];
    if (score) told.push(`${score} of its answers passed; shown: seed ${answer.seed}, sample ${answer.sample}`);
    if (answer.seconds !== null) told.push(answer.seconds < 1 ? `ran ${Math.ceil(1000 * answer.seconds)} ms` : `ran ${answer.seconds.toFixed(1)} s`);
    if (answer.finish === "length") told.push("cut off at the token limit");
    if (told.length) column.append(make("p", "muted small", told.join("; ")));
    if (answer.text === null) {
      column.append(make("p", "muted small", "The run folder does not hold this answer."));
    } else {
      column.append(make("pre", "program", answer.text || "(an empty answer)"));
      if (answer.cut) column.append(make("p", "muted small", `${answer.cut.toLocaleString("en")} more characters are in samples.jsonl.`));
    }
    if (answer.output) column.append(make("h5", "", "output"), make("pre", "output", answer.output));
    return column;
  };
  const problem = (entry, who, open) => {
    const box = make("details", "problem");
    const mine = data.answers[entry.mine], base = data.answers[entry.base];
    const line = make("summary", "");
    line.append(make("code", "", entry.problem), make("span", "muted small", " base "), badge(base.outcome),
                make("span", "muted small", ` ${who} `), badge(mine.outcome));
    box.append(line);
    const fill = () => {
      if (box.childElementCount > 1) return;
      const prompt = data.prompts[entry.problem];
      if (prompt !== undefined) box.append(make("h5", "", "prompt"), make("pre", "prompt", prompt));
      const both = make("div", "sides");
      const score = entry.score || [];
      both.append(side("Base", base, score[1]), side(who, mine, score[0]));
      box.append(both);
    };
    box.addEventListener("toggle", () => { if (box.open) fill(); });
    if (open) { box.open = true; fill(); }
    return box;
  };
  const open = (key) => {
    const cell = data.cells[key];
    if (!cell) return;
    hideTip();
    document.getElementById("behind-title").textContent = cell.title;
    body.replaceChildren(factList(cell.facts));
    const who = cell.title.split(" on ")[0];
    if (cell.problems) {
      const kinds = [["gained", "Gained: solved, and the base did not"], ["lost", "Lost: not solved, and the base did"]];
      let first = true;
      kinds.forEach(([kind, heading], place) => {
        const entries = cell.problems[kind], hidden = cell.problems.hidden[place];
        const all = entries.length + hidden;
        const several = entries.some((entry) => entry.score);
        const told = several ? { gained: "Gained: solved more often than by the base", lost: "Lost: solved less often than by the base" }[kind] : heading;
        body.append(make("h3", "", `${told} (${all.toLocaleString("en")})`));
        if (!all) body.append(make("p", "muted small", "None."));
        for (const entry of entries) { body.append(problem(entry, who, first)); first = false; }
        if (hidden) body.append(make("p", "muted small", `${hidden.toLocaleString("en")} more moved no farther; they are in the run folders' verdicts.jsonl.`));
      });
    } else {
      body.append(make("p", "muted small", cell.title.startsWith("Base ") ? "This is the base: the other rows are compared with it." : "There is nothing to compare this cell with, problem by problem."));
    }
    dialog.showModal();
    dialog.scrollTop = 0;
  };
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  const buttons = [...document.querySelectorAll("button.cell")];
  for (const button of buttons) {
    button.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") showTip(button); });
    button.addEventListener("pointerleave", hideTip);
    button.addEventListener("focus", () => { if (button.matches(":focus-visible")) showTip(button); });
    button.addEventListener("blur", hideTip);
    button.addEventListener("click", () => open(button.dataset.cell));
    button.addEventListener("keydown", (event) => {
      const [y, x] = button.dataset.cell.split(",").map(Number);
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (event.key === "Escape") hideTip();
      if (!step) return;
      const next = document.querySelector(`button.cell[data-cell="${y + step[0]},${x + step[1]}"]`);
      if (next) { event.preventDefault(); next.focus(); showTip(next); }
    });
  }
  addEventListener("scroll", followTip, { passive: true, capture: true });

  // ---- charts
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const names = Object.fromEntries(Object.entries(data.colours).map(([name, light]) => [light, name]));
  const themed = (value, style) => {
    if (typeof value === "string") return value in names ? style.getPropertyValue(`--c-${names[value]}`).trim() || value : value;
    if (Array.isArray(value)) return value.map((one) => themed(one, style));
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, themed(one, style)]));
    return value;
  };
  const draw = () => {
    const style = getComputedStyle(document.documentElement);
    for (const box of document.querySelectorAll(".chart")) {
      const chart = themed(data.charts[box.dataset.chart], style);
      chart.layout.hoverlabel = { bgcolor: style.getPropertyValue("--soft").trim(), bordercolor: style.getPropertyValue("--faint").trim(),
                                  font: { color: style.getPropertyValue("--ink").trim() }, align: "left" };
      Plotly.react(box, chart.data, chart.layout, { displayModeBar: false, responsive: true });
    }
  };
  draw();
  dark.addEventListener("change", draw);
})();
