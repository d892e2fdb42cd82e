// Octets as a dump in which the fields of the headers are coloured bands.

const HUES = ["version", "length", "echo", "session_key", "type", "serial", "status", "target",
  "user_id", "enterprise_id", "transaction", "operation", "total"];
const MORE_HUES = { transfer: 7, offset: 1, http: 10 };
const hueOf = (name) => "h" + (MORE_HUES[name] ?? Math.max(HUES.indexOf(name), 0));
/** Octets of an event that are shown at once. */
const MOST = 512;
const narrow = matchMedia("(max-width: 46rem)");

/** The fields of the marked headers: where each lies in the event, and its value in words. */
function fieldsOf(marks, widths, octets, before) {
  const fields = [];
  for (const [at, layer, size] of marks) {
    if (layer === "http") {
      fields.push({ layer, name: "http", start: at, end: at + size, value: `${commas(size)} octets` });
      continue;
    }
    let start = at;
    for (const [name, width, kind] of widths[layer] ?? []) {
      const field = { layer, name, start, end: start + width };
      if (field.start < octets.length && field.end > 0) {
        fields.push({ ...field, value: valueOf(field, kind, octets, before) });
      }
      start += width;
    }
  }
  return fields;
}

/** A field's value; its first octets may have come in an earlier event. */
function valueOf(field, kind, octets, before) {
  const whole = [];
  for (let place = field.start; place < field.end; place++) {
    const octet = place < 0 ? before[before.length + place] : octets[place];
    if (octet === undefined) return "cut off";
    whole.push(octet);
  }
  if (kind === "text") {
    const text = String.fromCharCode(...whole).replace(/[\0 ]+$/, "");
    return text ? shown(text) : "empty";
  }
  if (kind === "little") whole.reverse();
  const number = whole.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
  const words = DATA.words[field.name];
  const word = words ? words[number.toString()] ?? "unknown" : "";
  return word ? `${number} ${word}` : `${number}`;
}

/** The legend: a list for each header, its fields in wire order. */
function legends(fields, wrong) {
  const lists = [];
  let list = null, layer = null, last = -Infinity;
  for (const [index, field] of fields.entries()) {
    if (field.layer !== layer || field.start < last || list === null || field.name === "version") {
      layer = field.layer;
      list = make("ul", { class: "legend", "aria-label": `${layer} header` });
      if (layer !== "http") list.append(make("li", { class: "layer" }, layer));
      lists.push(list);
    }
    last = field.start;
    list.append(make("li", {
      class: `band ${hueOf(field.name)}${field === wrong ? " wrong" : ""}`, "data-field": index,
      title: `octets ${field.start} to ${field.end - 1}`,
    }, make("b", {}, field.name === "http" ? "head of HTTP" : field.name), " ", make("code", {}, field.value)));
  }
  return lists;
}

/** The dump of an event; the octet at `differs` is marked (-1: none). */
function dump(octets, fields, differs) {
  const block = make("pre", { class: "dump", tabindex: "0", "aria-label": `${commas(octets.length)} octets in hex` });
  const wide = narrow.matches ? 8 : 16;
  const owners = new Int32Array(octets.length).fill(-1);
  for (const [index, field] of fields.entries()) {
    owners.fill(index, Math.max(field.start, 0), Math.max(field.end, 0));
  }
  const rows = (from, to) => {
    for (let at = from; at < to; at += wide) block.append(...dumpRow(octets, owners, fields, at, wide, differs));
  };
  const end = Math.min(octets.length, Math.max(MOST, differs < 0 ? 0 : differs + 128));
  const first = Math.ceil(end / wide) * wide;
  rows(0, Math.min(first, octets.length));
  if (differs >= octets.length) {
    block.append(make("span", { class: "octet-diff" }, `ends at octet ${differs}, where more was due`));
  }
  if (first < octets.length) {
    const rest = make("button", { type: "button", click: () => { rest.remove(); rows(first, octets.length); } },
      `Show ${counted(octets.length - first, "more octet")}`);
    block.append(rest);
  }
  return block;
}

function dumpRow(octets, owners, fields, at, wide, differs) {
  const end = Math.min(at + wide, octets.length);
  const parts = [make("span", { class: "off" }, at.toString(16).padStart(4, "0") + "  ")];
  const runs = (text, gap) => {
    for (let start = at; start < end;) {
      let stop = start + 1;
      const isOne = start === differs;
      while (stop < end && owners[stop] === owners[start] && stop !== differs && !isOne) stop++;
      const letters = Array.from(octets.subarray(start, stop), text).join(gap);
      parts.push(run(letters, fields, owners[start], isOne, gap ? "" : "plain"));
      if (gap && stop < end) parts.push(gap);
      start = stop;
    }
  };
  runs((octet) => octet.toString(16).padStart(2, "0"), " ");
  parts.push(" ".repeat((wide - (end - at)) * 3 + 2));
  runs((octet) => (octet >= 32 && octet < 127 ? String.fromCharCode(octet) : "."), "");
  parts.push("\n");
  return parts;
}

function run(letters, fields, owner, differs, more) {
  const field = fields[owner];
  if (!field && !differs) return letters;
  return make("span", {
    class: [field ? `band ${hueOf(field.name)}` : "", differs ? "octet-diff" : "", more].join(" ").trim(),
    "data-field": field ? owner : null,
    title: [field ? `${field.layer} header: ${field.name} = ${field.value}` : "",
      differs ? "the first octet that differs" : ""].filter(Boolean).join("; "),
  }, letters);
}

/** A field under the pointer is lit in the dump and in the legend. */
function light(event, on) {
  const found = event.target.closest?.("[data-field]");
  const whole = found?.closest(".event");
  if (!whole) return;
  for (const other of whole.querySelectorAll(`[data-field="${found.dataset.field}"]`)) {
    other.classList.toggle("lit", on);
  }
}
document.addEventListener("mouseover", (event) => light(event, true));
document.addEventListener("mouseout", (event) => light(event, false));

/** The tree of a message; the lines of a parameter that differs are marked. */
function treeBlock(text, problem, name) {
  const block = make("pre", { class: "tree", tabindex: "0", "aria-label": problem ? "no message" : "the message" });
  if (problem) block.append(make("span", { class: "wrong" }, shown(problem)));
  for (const line of text ? text.split("\n") : []) {
    const differs = name && line.trim().startsWith(name + " =");
    block.append(differs ? make("span", { class: "diff" }, line) : line, "\n");
  }
  return block;
}
