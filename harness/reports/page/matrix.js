// The matrix: cases by implementations, under the rule that each stands under.

const FILTERS = ["q", "outcome", "rule", "place", "level", "differ"];
const filters = new Map();
/** The cases under the rule that each names first, and all of them in that order. */
const groups = new Map([...byRule.keys()].map((rule) => [rule, []]));
for (const row of DATA.cases) groups.get(rulesOf(row)[0]).push(row);
for (const [rule, rows] of groups) if (!rows.length) groups.delete(rule);
const CASES = [...groups.values()].flat();
let visible = CASES;
let here = -1;
/** The element of each row of the matrix, once it is there. */
const elements = new Map();
let pending = null;

for (const row of CASES) {
  row.words = [row.id, row.sentence, row.rules.join(" "), ...row.results.map((r) => (r ? r[1] : ""))].join("\n").toLowerCase();
  row.outcomes = row.results.map((result) => (result ? OUTCOMES[result[0]] : "missing"));
  row.differs = new Set(row.outcomes).size > 1;
}

function readFilters(query) {
  for (const name of FILTERS) filters.set(name, query.get(name) ?? "");
}

/** Whether a case passes the filters; `without` names one that is not asked. */
function fits(row, without = "") {
  const asked = (name) => (name === without ? "" : filters.get(name));
  const outcomes = asked("outcome");
  return (!outcomes || row.outcomes.some((outcome) => outcomes.split(",").includes(outcome)))
    && (!asked("rule") || rulesOf(row).includes(asked("rule")))
    && (!asked("place") || row.place === asked("place"))
    && (!asked("level") || row.level === asked("level"))
    && (!asked("differ") || row.differs)
    && asked("q").toLowerCase().split(/\s+/).every((word) => row.words.includes(word));
}

function setFilter(name, value) {
  filters.set(name, value);
  history.replaceState(null, "", casesAddress());
  filterRows();
}

function showMatrix() {
  if (!MAIN.querySelector(".matrix.cases")) {
    elements.clear();
    MAIN.replaceChildren(filterBar(), make("p", { class: "none", hidden: true }, "No case passes these filters."), matrixTable());
  }
  filterRows();
}

function filterBar() {
  const search = make("input", {
    type: "search", id: "search", placeholder: "Search cases, sentences, reasons", "aria-label": "Search",
    input: (event) => setFilter("q", event.target.value),
  });
  const more = make("button", {
    type: "button", class: "more", "aria-expanded": "false", "aria-controls": "panel", click: () => togglePanel(),
  }, "Filters");
  const panel = make("div", { class: "panel", id: "panel" }, outcomeChips(),
    selection("rule", "All rules", [...byRule.keys()]),
    selection("place", "All places", distinct((row) => row.place)),
    selection("level", "All levels", distinct((row) => row.level)));
  if (DATA.columns.length > 1) {
    panel.append(make("button", {
      type: "button", class: "chip", id: "differ", "aria-pressed": "false",
      click: () => setFilter("differ", filters.get("differ") ? "" : "1"),
    }, "Only where they differ"));
  }
  panel.append(make("button", { type: "button", class: "chip", id: "clear", click: clearFilters }, "Clear"));
  return make("div", { class: "filters", role: "search", "aria-label": "Filters" }, search, make("output", { id: "shown" }), more, panel);
}

function togglePanel(open) {
  const isOpen = document.getElementById("panel").classList.toggle("open", open);
  document.querySelector(".more").setAttribute("aria-expanded", String(isOpen));
}

const distinct = (of) => [...new Set(CASES.map(of))].sort();

function selection(name, all, values) {
  return make("select", { id: name, "aria-label": all, change: (event) => setFilter(name, event.target.value) },
    make("option", { value: "" }, all),
    ...values.map((value) => {
      const title = name === "rule" ? DATA.clauses[value]?.title : "";
      return make("option", { value }, shown(title ? `${value} ${title}` : value).slice(0, 80));
    }));
}

function outcomeChips() {
  const found = new Set(CASES.flatMap((row) => row.outcomes));
  const chips = [...OUTCOMES, "missing"].filter((outcome) => found.has(outcome)).map((outcome) =>
    make("button", {
      type: "button", class: `chip ${outcomeClass(outcome)}`, "data-outcome": outcome, "aria-pressed": "false",
      click: () => toggleOutcome(outcome),
    }, make("i", { "aria-hidden": "true" }, SIGNS[outcome] ?? "·"), outcome, make("small", {})));
  return make("fieldset", { class: "outcomes" }, make("legend", { class: "unseen" }, "Outcomes"), ...chips);
}

function toggleOutcome(outcome) {
  const chosen = new Set(filters.get("outcome").split(",").filter(Boolean));
  if (!chosen.delete(outcome)) chosen.add(outcome);
  setFilter("outcome", [...chosen].join(","));
}

function clearFilters() {
  for (const name of FILTERS) filters.set(name, "");
  history.replaceState(null, "", casesAddress());
  filterRows();
}

function matrixTable() {
  const many = DATA.columns.length > 1;
  const head = make("tr", {}, make("th", { scope: "col" }, "Case"), ...DATA.columns.map((column, number) =>
    make("th", { scope: "col", title: shown(column.target), "data-short": number + 1 }, shown(column.name))));
  const table = make("table", { class: `matrix cases${many ? " many" : ""}` },
    make("caption", { class: "unseen" }, "Outcome of each case at each implementation"),
    columnGroup(), make("thead", {}, head));
  pending = groupMaker(table);
  makeSome(60);
  return table;
}

/** Makes the groups one by one, so that thousands of rows keep nobody waiting. */
function* groupMaker(table) {
  for (const [rule, rows] of groups) {
    const body = make("tbody", { class: "group" }, ruleRow(rule, byRule.get(rule)));
    for (const row of rows) {
      const element = caseRow(row);
      element.hidden = !fits(row);
      elements.set(row, element);
      body.append(element);
      yield;
    }
    body.hidden = !rows.some((row) => fits(row));
    table.append(body);
  }
}

/** Goes on for that many milliseconds, and asks to go on later. */
function makeSome(milliseconds) {
  const until = performance.now() + milliseconds;
  while (pending && performance.now() < until) {
    for (let rows = 0; pending && rows < 50; rows++) if (pending.next().done) pending = null;
  }
  if (pending) setTimeout(() => makeSome(30), 0);
}

function ruleRow(rule, rows) {
  const title = make("a", { href: "#/?" + new URLSearchParams({ rule }) }, make("code", {}, shown(rule)), " ",
    make("span", {}, ...titleOf(rule)));
  return make("tr", { class: "rule" }, make("th", { scope: "rowgroup" }, title),
    ...DATA.columns.map((_, column) => tallyCell(rows, column)));
}

function caseRow(row) {
  const first = Math.max(row.results.findIndex((result) => result && !GOOD.has(OUTCOMES[result[0]])), 0);
  const name = make("th", { scope: "row" }, make("a", { href: caseAddress(row, first) }, make("code", {}, shown(row.id)),
    row.level === "must" ? null : make("span", { class: "tag" }, row.level),
    make("span", { class: "say" }, shown(row.sentence))));
  return make("tr", { class: "case" }, name, ...row.results.map((result, column) => resultCell(row, result, column)));
}

function resultCell(row, result, column) {
  if (!result) return make("td", {}, make("span", { class: "cell o-missing" }, "· ", make("span", { class: "word" }, "not run")));
  const outcome = OUTCOMES[result[0]];
  return make("td", {}, make("a", {
    class: `cell ${outcomeClass(outcome)}`, href: caseAddress(row, column), title: result[1] ? shown(result[1]) : null,
  }, SIGNS[outcome] + " ", make("span", { class: "word" }, outcome)));
}

/** Show what passes the filters, and make the controls say what they are set to. */
function filterRows() {
  visible = CASES.filter((row) => fits(row));
  const chosen = visible[here];
  for (const [row, element] of elements) element.hidden = !fits(row);
  for (const body of MAIN.querySelectorAll("tbody.group")) {
    body.hidden = ![...body.rows].some((element) => element.className.startsWith("case") && !element.hidden);
  }
  document.getElementById("shown").textContent = visible.length === CASES.length
    ? counted(visible.length, "case") : `${commas(visible.length)} of ${counted(CASES.length, "case")}`;
  MAIN.querySelector(".none").hidden = visible.length > 0;
  const search = document.getElementById("search");
  if (search.value !== filters.get("q")) search.value = filters.get("q");
  for (const name of ["rule", "place", "level"]) document.getElementById(name).value = filters.get(name);
  document.getElementById("differ")?.setAttribute("aria-pressed", String(Boolean(filters.get("differ"))));
  document.getElementById("clear").hidden = !FILTERS.some((name) => filters.get(name));
  const outcomes = filters.get("outcome").split(",");
  const counts = new Map();
  for (const row of CASES) {
    if (fits(row, "outcome")) for (const one of new Set(row.outcomes)) counts.set(one, (counts.get(one) ?? 0) + 1);
  }
  for (const chip of MAIN.querySelectorAll("[data-outcome]")) {
    chip.setAttribute("aria-pressed", String(outcomes.includes(chip.dataset.outcome)));
    chip.querySelector("small").textContent = commas(counts.get(chip.dataset.outcome) ?? 0);
  }
  mark(chosen && visible.includes(chosen) ? visible.indexOf(chosen) : -1, false);
}

/** The row that the keys are at. */
function mark(number, focus = true) {
  elements.get(visible[here])?.classList.remove("here");
  MAIN.querySelector("tr.here")?.classList.remove("here");
  here = number;
  const row = visible[number];
  if (!row) return;
  while (pending && !elements.has(row)) makeSome(50);
  if (pending && !elements.get(row)?.isConnected) makeSome(Infinity);
  const element = elements.get(row);
  if (!element) return;
  element.classList.add("here");
  if (focus) {
    element.querySelector("a").focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }
}

function step(by) {
  if (visible.length) mark(Math.min(Math.max(here + by, 0), visible.length - 1));
}
