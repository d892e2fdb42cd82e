// Rules: their text, and the totals of the cases that prove them.

/** The text of a rule: paragraphs, items, tables and code as the document writes them. */
function ruleText(text) {
  const block = make("div", { class: "text" });
  let lines = [], kind = "p";
  const end = () => {
    if (!lines.length) return;
    const made = ruleBlock(kind, lines);
    if (kind === "li" && block.lastChild?.tagName === "UL") block.lastChild.append(made);
    else block.append(kind === "li" ? make("ul", {}, made) : made);
    lines = [];
  };
  let fenced = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      end();
      fenced = !fenced;
      kind = fenced ? "pre" : "p";
    } else if (fenced) {
      lines.push(line);
    } else if (!line.trim()) {
      end();
      kind = "p";
    } else if (/^\s*- /.test(line)) {
      end();
      kind = "li";
      lines.push(line.replace(/^\s*- /, ""));
    } else if (line.startsWith("|")) {
      if (kind !== "pre") end();
      kind = "pre";
      lines.push(line);
    } else {
      if (kind === "pre") { end(); kind = "p"; }
      lines.push(line.trim());
    }
  }
  end();
  return block;
}

function ruleBlock(kind, lines) {
  if (kind === "pre") return make("pre", { tabindex: "0" }, lines.join("\n"));
  const element = make(kind === "li" ? "li" : "p", {});
  element.append(...inline(lines.join(" ")));
  return element;
}

/** `code`, **strong** and the marks [S] and [C], as nodes. */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|^\[[SC]\])/).filter(Boolean).map((part) => {
    if (/^`.+`$/.test(part)) return make("code", {}, part.slice(1, -1));
    if (/^\*\*.+\*\*$/.test(part)) return make("strong", {}, part.slice(2, -2));
    if (/^\[[SC]\]$/.test(part)) {
      return make("mark", { title: part === "[S]" ? "stated in the source" : "a choice" }, part.slice(1, -1));
    }
    return part;
  });
}

const GOOD = new Set(["passed", "non-strict", "informational"]);
const WRONG = new Set(["failed", "flaky", "set-up failed"]);

/** Of these cases in that column: how many good, wrong, and there at all. */
function tally(rows, column) {
  const found = { good: 0, wrong: 0, all: 0, outcomes: new Map() };
  for (const row of rows) {
    const result = row.results[column];
    if (!result) continue;
    const outcome = OUTCOMES[result[0]];
    found.all++;
    found.good += GOOD.has(outcome);
    found.wrong += WRONG.has(outcome);
    found.outcomes.set(outcome, (found.outcomes.get(outcome) ?? 0) + 1);
  }
  return found;
}

const titleOf = (rule) => (DATA.clauses[rule] ? inline(shown(DATA.clauses[rule].title)) : []);

/** A thin bar of the outcomes. */
function track(found) {
  const name = "http://www.w3.org/2000/svg";
  const bar = document.createElementNS(name, "svg");
  bar.setAttribute("class", "track");
  bar.setAttribute("viewBox", `0 0 ${found.all} 1`);
  bar.setAttribute("preserveAspectRatio", "none");
  bar.setAttribute("aria-hidden", "true");
  let at = 0;
  for (const outcome of OUTCOMES.filter((one) => found.outcomes.has(one))) {
    const part = document.createElementNS(name, "rect");
    const width = found.outcomes.get(outcome);
    for (const [key, value] of Object.entries({ x: at, y: 0, width, height: 1, class: outcomeClass(outcome) })) {
      part.setAttribute(key, value);
    }
    bar.append(part);
    at += width;
  }
  return bar;
}

function tallyCell(rows, column) {
  const found = tally(rows, column);
  const cell = make("td", { class: "tally", title: [...found.outcomes].map(([word, n]) => `${n} ${word}`).join(", ") });
  if (!found.all) cell.append("–");
  else cell.append(`${commas(found.good)}/${commas(found.all)}`);
  if (found.wrong) cell.append(" ", make("b", {}, `${commas(found.wrong)} ✕`));
  if (found.all) cell.append(track(found));
  return cell;
}

const NO_RULE = "no rule";
const rulesOf = (row) => (row.rules.length ? row.rules : [NO_RULE]);

/** The cases of each rule, all of them, whether it stands first or not. */
const byRule = (() => {
  const found = new Map();
  for (const row of DATA.cases) {
    for (const rule of rulesOf(row)) {
      if (!found.has(rule)) found.set(rule, []);
      found.get(rule).push(row);
    }
  }
  return new Map([...found].sort(([one], [other]) =>
    (one === NO_RULE) - (other === NO_RULE) || (one < other ? -1 : 1)));
})();

function showRules() {
  const head = make("tr", {}, make("th", { scope: "col" }, `${counted(byRule.size, "rule")}`),
    ...DATA.columns.map((column) => make("th", { scope: "col" }, shown(column.name))));
  const body = make("tbody", {});
  for (const [rule, rows] of byRule) {
    const clause = DATA.clauses[rule];
    const address = "#/?" + new URLSearchParams({ rule }).toString();
    const title = make("span", {}, make("code", {}, shown(rule)), " ", ...titleOf(rule));
    const cases = make("a", { href: address }, counted(rows.length, "case"));
    const head = clause
      ? make("th", { scope: "row" }, cases, make("details", {}, make("summary", {}, title), ruleText(shown(clause.text))))
      : make("th", { scope: "row" }, cases, title);
    body.append(make("tr", {}, head, ...DATA.columns.map((_, column) => tallyCell(rows, column))));
  }
  const table = make("table", { class: "matrix rules" },
    make("caption", { class: "unseen" }, "Totals of each rule: good of all cases that prove it"),
    columnGroup(), make("thead", {}, head), body);
  MAIN.replaceChildren(table);
}

function columnGroup() {
  return make("colgroup", {}, make("col", { class: "is-case" }), ...DATA.columns.map(() => make("col", { class: "is-one" })));
}
