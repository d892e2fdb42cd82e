// What is shown, and what the keys do.

let scrolled = 0;
let view = "";

function route() {
  const address = readAddress();
  if (view === "cases") scrolled = shownAt;
  const before = view;
  view = ["rules", "case"].includes(address.view) ? address.view : "cases";
  if (view === "cases" || !filters.size) readFilters(address.query);
  document.querySelector(".cards").hidden = view === "case";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === (view === "case" ? "cases" : view)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view !== "case") {
    opened = null;
    document.title = TITLE;
  }
  if (view === "rules") showRules();
  else if (view === "case") showCase(...address.words);
  else {
    const row = before === "case" ? visible[here] : undefined;
    MATRIX ? MAIN.replaceChildren(...MATRIX) : showMatrix();
    MATRIX = [...MAIN.children];
    measure.observe(MAIN.querySelector(".filters"));
    filterRows();
    if (before === "case") {
      scrollTo(0, scrolled);
      if (row) mark(visible.indexOf(row));
    }
  }
}

/** To another address at once, so that a key pressed next finds what it shows. */
function go(address) {
  history.pushState(null, "", address);
  route();
}

const TITLE = document.title;
let MATRIX = null;
let shownAt = 0;
addEventListener("scroll", () => { if (view === "cases") shownAt = scrollY; }, { passive: true });
addEventListener("hashchange", route);

// The heads of the columns stay below the filters, however many lines those take.
const measure = new ResizeObserver(([bar]) => {
  const height = bar.target.isConnected ? bar.target.offsetHeight : 0;
  document.documentElement.style.setProperty("--bar", `${height}px`);
});
addEventListener("beforeprint", () => {
  makeSome(Infinity);
  for (const folded of MAIN.querySelectorAll(".clause details")) folded.open = true;
});
narrow.addEventListener("change", () => { if (view === "case") route(); });

const KEYS = {
  j: () => (opened ? moveFrom(1, 0) : step(1)),
  k: () => (opened ? moveFrom(-1, 0) : step(-1)),
  ArrowDown: () => (opened ? false : step(1)),
  ArrowUp: () => (opened ? false : step(-1)),
  ArrowRight: () => (opened ? moveFrom(0, 1) : false),
  ArrowLeft: () => (opened ? moveFrom(0, -1) : false),
  Enter: () => {
    const row = visible[here];
    if (opened || !row) return false;
    go(elements.get(row).querySelector("a").getAttribute("href"));
  },
  n: () => (opened ? toDivergence() : false),
  c: () => (opened ? document.getElementById("copy")?.click() : false),
  "/": () => { toCases(); document.getElementById("search").focus(); },
  f: () => { toCases(); togglePanel(true); document.querySelector("#panel button").focus(); },
  r: () => { go(view === "rules" ? casesAddress() : "#/rules"); },
  t: switchTheme,
  "?": () => document.getElementById("keys").showModal(),
  Escape: () => {
    if (opened || view === "rules") go(casesAddress());
    else { clearFilters(); document.activeElement?.blur?.(); }
  },
};

function toCases() {
  if (view !== "cases") {
    go(casesAddress());
  }
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.matches?.("input, select, textarea");
  if (typing && event.key === "Enter" && event.target.id === "search") {
    event.preventDefault();
    return step(here < 0 ? 1 : 0);
  }
  if (typing && event.key !== "Escape") return;
  const onControl = event.target.matches?.("button, summary, a:not(tr.case a)");
  if (onControl && event.key === "Enter") return;
  if (event.target.matches?.("pre") && event.key.startsWith("Arrow")) return;
  const key = KEYS[event.key];
  if (key && key() !== false) event.preventDefault();
});

document.getElementById("theme").addEventListener("click", switchTheme);
document.getElementById("help").addEventListener("click", KEYS["?"]);
route();
