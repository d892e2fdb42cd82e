"use strict";
// Nothing of the data is ever markup: elements are made one by one, and all text is text nodes.

const DATA = JSON.parse(document.getElementById("matrix-data").textContent);
const OUTCOMES = DATA.outcomes;
const SIGNS = {
  "passed": "✓", "failed": "✕", "non-strict": "≈", "informational": "i", "not applicable": "–",
  "blocked": "⊘", "set-up failed": "⚙", "harness error": "!", "flaky": "~", "known failure": "✕",
  "stale": "↺",
};
const MAIN = document.getElementById("main");

let details = null;
/** What only the page of a case needs; read when the first one is opened. */
function detailsOf(number) {
  details ??= JSON.parse(document.getElementById("details-data").textContent);
  return details.results[number];
}
function octetsOf(number) {
  return number < 0 ? new Uint8Array(0) : Uint8Array.from(atob(details.octets[number]), (c) => c.charCodeAt(0));
}

/** An element with attributes (those that are null or false are left out) and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false || value === undefined) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const outcomeClass = (outcome) => "o-" + outcome.replaceAll(" ", "-");
const commas = (number) => number.toLocaleString("en");
const counted = (number, noun) => `${commas(number)} ${noun}${number === 1 ? "" : "s"}`;

/** Text with what cannot be seen, and what turns the order of letters, written out. */
function shown(text) {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\uffff]/g,
    (letter) => "\\x" + letter.charCodeAt(0).toString(16).padStart(2, "0"));
}

/** Tell those who do not see the page. */
function say(text) {
  document.getElementById("said").textContent = text;
}

// The address: #/?outcome=failed&q=.., #/rules, #/case/ID/SEAT/COLUMN

function readAddress() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const words = path.split("/").map((word) => {
    try { return decodeURIComponent(word); } catch { return word; }
  });
  return { view: words[0] || "cases", words: words.slice(1), query: new URLSearchParams(query) };
}
const casesAddress = () => {
  const text = new URLSearchParams([...filters].filter(([, value]) => value)).toString();
  return text ? "#/?" + text : "#/";
};
const caseAddress = (row, column) =>
  `#/case/${encodeURIComponent(row.id)}/${encodeURIComponent(row.seat)}/${column}`;

// Light and dark.

const darkByItself = matchMedia("(prefers-color-scheme: dark)");
function remembered() {
  try { return localStorage.getItem("starwire-theme"); } catch { return null; }
}
function showTheme() {
  const chosen = remembered() ?? (darkByItself.matches ? "dark" : "light");
  document.documentElement.classList.toggle("dark", chosen === "dark");
}
function switchTheme() {
  const dark = !document.documentElement.classList.contains("dark");
  try { localStorage.setItem("starwire-theme", dark ? "dark" : "light"); } catch { /* not kept, then */ }
  document.documentElement.classList.toggle("dark", dark);
  say(dark ? "Dark" : "Light");
}
darkByItself.addEventListener("change", showTheme);
showTheme();
