// The page of one case at one implementation.

let opened = null;

function showCase(id, seat, wanted) {
  const row = CASES.find((one) => one.id === id && one.seat === seat);
  if (!row) {
    MAIN.replaceChildren(make("p", { class: "none" }, "No such case in this report. ", make("a", { href: "#/" }, "All cases")));
    return;
  }
  let column = Number(wanted);
  if (!row.results[column]) column = row.results.findIndex(Boolean);
  visible = CASES.filter((one) => fits(one));
  here = visible.indexOf(row);
  opened = { row, column };
  const page = make("article", { class: "page", "aria-labelledby": "sentence" }, bread(row, column), ...heading(row), tabs(row, column));
  const result = row.results[column];
  const found = detailsOf(result[2]);
  page.append(...verdictOf(row, result, found), ...rulesBlock(row), ...transcript(column, found));
  MAIN.replaceChildren(page);
  document.title = `${shown(row.id)}: ${OUTCOMES[result[0]]}`;
  scrollTo(0, 0);
  page.querySelector("h1").focus({ preventScroll: true });
}

function bread(row, column) {
  const neighbour = (by, text) => {
    const other = here < 0 ? undefined : visible[here + by];
    return make("a", { href: other ? caseAddress(other, column) : null, "aria-disabled": !other || null }, text);
  };
  const place = here < 0 ? "" : `${commas(here + 1)} of ${commas(visible.length)}`;
  return make("nav", { class: "bread", "aria-label": "Cases" },
    make("a", { href: casesAddress(), id: "back" }, "← All cases"), neighbour(-1, "Previous"), neighbour(1, "Next"),
    make("span", {}, place));
}

function heading(row) {
  return [
    make("h1", { id: "sentence", tabindex: "-1" }, shown(row.sentence)),
    make("p", { class: "known" }, make("code", {}, shown(row.id)), make("span", {}, `level ${row.level}`),
      make("span", {}, `at ${shown(row.place)}`), make("span", {}, `as ${shown(row.seat)}`)),
  ];
}

function tabs(row, column) {
  if (DATA.columns.length < 2) return null;
  return make("div", { class: "tabs", role: "tablist", "aria-label": "Implementations" }, ...DATA.columns.map((one, number) => {
    const result = row.results[number];
    const outcome = result ? OUTCOMES[result[0]] : "missing";
    return make("button", {
      type: "button", role: "tab", "aria-selected": String(number === column), disabled: !result, class: outcomeClass(outcome),
      tabindex: number === column ? "0" : "-1", click: () => openCase(row, number),
    }, make("b", {}, shown(one.name)), make("span", {}, result ? `${SIGNS[outcome]} ${outcome}` : "not run"));
  }));
}

function verdictOf(row, [number, reason], found) {
  const outcome = OUTCOMES[number];
  const attempts = found.attempts ? `failed ${found.attempts[0]} of ${found.attempts[1]} times` : "";
  const joined = found.expected && found.got && reason.endsWith(found.got) && reason.includes(found.expected);
  const text = [joined ? "" : reason, attempts, `${found.seconds.toFixed(3)} s`].filter(Boolean).join("; ");
  const blocks = [make("p", { class: `reason ${outcomeClass(outcome)}` }, make("b", {}, `${SIGNS[outcome]} ${outcome}`), shown(text))];
  for (const flag of found.flags) blocks.push(make("p", { class: "flag" }, shown(flag)));
  if (found.expected || found.got) {
    blocks.push(make("div", { class: `versus ${outcomeClass(outcome)}` },
      make("div", {}, make("h2", {}, "Expected"), make("pre", {}, shown(found.expected))),
      make("div", {}, make("h2", {}, "Got"), make("pre", {}, shown(found.got)))));
  }
  if (found.divergence) blocks.push(firstDivergence(found.divergence, found));
  if (found.rerun) {
    blocks.push(make("h2", {}, "Run this case again"), make("div", { class: "command" },
      make("pre", {}, shown(found.rerun)), make("button", { type: "button", id: "copy", click: () => copy(found.rerun) }, "Copy")));
  }
  return blocks;
}

function firstDivergence(found, { expected, got }) {
  const place = [`event ${found.event + 1}`];
  if (found.offset >= 0) place.push(`octet ${found.offset} (0x${found.offset.toString(16)})`);
  if (found.field) place.push(found.field);
  const same = found.expected === expected && found.got === got;
  const told = same ? "" : `: expected ${found.expected}, got ${found.got}`;
  return make("p", { class: "first" }, make("b", {}, "First divergence"),
    make("span", {}, shown(place.join(", ") + told)),
    make("button", { type: "button", id: "to-divergence", click: toDivergence }, "Show"));
}

function toDivergence() {
  const found = MAIN.querySelector(".octet-diff, .band.wrong, .tree .diff") ?? MAIN.querySelector(".event.bad");
  found?.scrollIntoView({ block: "center" });
}

async function copy(text) {
  const button = document.getElementById("copy");
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = document.execCommand("copy") ? "Copied" : "Press ctrl+c";
  }
  say(button.textContent);
}

/** Characters of a rule above which its text is folded, so that the transcript is not far. */
const LONG_RULE = 900;

function rulesBlock(row) {
  return [make("h2", {}, row.rules.length === 1 ? "The rule" : "The rules"), ...row.rules.map((rule) => {
    const clause = DATA.clauses[rule];
    const head = make("h3", {}, make("a", { href: "#/?" + new URLSearchParams({ rule }) }, make("code", {}, shown(rule))),
      " ", ...titleOf(rule));
    if (!clause) return make("section", { class: "clause" }, head);
    return make("section", { class: "clause" },
      make("details", { open: clause.text.length < LONG_RULE }, make("summary", {}, head), ruleText(shown(clause.text))),
      clause.differs ? make("p", { class: "flag" }, "Its text differs between these runs; this is the first one's.") : null);
  })];
}

function transcript(column, found) {
  const widths = DATA.columns[column].widths;
  const streams = new Map();
  const blocks = found.events.map((event, number) => {
    const [, line, place, what, octetsAt] = event;
    const octets = octetsOf(octetsAt);
    const key = `${line} ${place} ${DATA.whats[what] === "sent"}`;
    const before = streams.get(key) ?? [];
    const divergence = found.divergence?.event === number ? found.divergence : null;
    const block = eventBlock(event, number, octets, before, widths, divergence, found.events[number - 1]?.[0]);
    // What a header began with is looked up here; where octets were left out nobody knows it.
    const kept = octets.length > 512 ? octets.slice(-512) : [...before.slice(-512), ...octets];
    if (octets.length) streams.set(key, octets.length < event[5] ? [] : kept);
    return block;
  });
  const title = make("h2", {}, `Transcript: ${counted(blocks.length, "event")}`);
  return blocks.length ? [title, ...blocks] : [];
}

const ARROWS = { sent: "→", received: "←", connected: "○", closed: "●", reset: "✕", silent: "…", note: "·" };

function eventBlock([at, line, place, whatAt, , whole, text, marks, trees], number, octets, before, widths, divergence, earlier) {
  const what = DATA.whats[whatAt];
  const time = `${(at * 1000).toFixed(at < 10 ? 3 : 0)} ms`;
  const since = earlier === undefined ? "" : `${((at - earlier) * 1000).toFixed(3)} ms after the one before`;
  const block = make("section", {
    class: `event ${what}${octets.length ? "" : " quiet"}${divergence ? " bad" : ""}`, "aria-label": `event ${number + 1}`,
  }, make("header", {}, make("span", { class: "at", title: since }, time), make("b", {}, `${ARROWS[what]} ${what}`),
    make("span", {}, `${shown(place)}${line ? `, connection ${line}` : ""}`),
    whole ? make("span", {}, counted(whole, "octet")) : null,
    text ? make("span", { class: "say" }, shown(text)) : null));
  if (!octets.length) return block;
  const fields = fieldsOf(marks, widths, octets, before);
  const differs = divergence && divergence.offset <= octets.length ? divergence.offset : -1;
  const wrong = divergence && fields.find((field) =>
    differs >= 0 ? field.start <= differs && differs < field.end : field.name === divergence.field);
  const split = make("div", { class: "split" }, dump(octets, fields, differs));
  for (const [, tree, problem] of trees) {
    split.append(treeBlock(tree < 0 ? "" : details.trees[tree], problem, divergence?.field ?? ""));
  }
  block.append(...legends(fields, wrong || null), split);
  if (octets.length < whole) {
    block.append(make("p", { class: "left" }, `${counted(whole - octets.length, "octet")} more: they stand in report.json`));
  }
  return block;
}

function openCase(row, column) {
  go(caseAddress(row, column));
}

/** The next or previous case, or the next or previous implementation that ran this one. */
function moveFrom(rows, columns) {
  const { row, column } = opened;
  if (rows) {
    const other = visible[here + rows];
    if (other) openCase(other, column);
    return;
  }
  for (let next = column + columns; next >= 0 && next < row.results.length; next += columns) {
    if (row.results[next]) return openCase(row, next);
  }
}
