"use strict";
// What shows a report in a page: of a file of its own (page.js), and beside the text that is being written.
// `told` is the dictionary of the report with what pages show beyond it; `tell` puts another in its place.
// Texts of the model file only ever become text nodes: there is no innerHTML here.
let told, inputs, numbers;
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const RANK = { error: 0, warning: 1, info: 2 };
const number = (n) => (n === null || n === undefined ? "?" : n.toLocaleString("en"));
const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

function make(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) found.setAttribute(name, value === true ? "" : value);
  }
  found.append(...children.filter((each) => each !== null && each !== undefined));
  return found;
}

function draw(tag, attributes, ...children) {
  const found = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) found.setAttribute(name, value);
  found.append(...children);
  return found;
}

// The dictionary of the report, in words.

function tell(data) {
  told = data;
  inputs = Object.keys(told.inputs).length;
  numbers = new Map(told.steps.map((step, i) => [step.name, i]));
}

const numberOf = (finding) => numbers.get(finding.step) ?? -1;
const shapes = (found) => found.map((shape) => shape.join("×")).join(", ");
const outputs = ({ out }) => (out === null ? "not planned" : shapes(Array.isArray(out[0]) ? out : [out]));
// A number that is not whole, as a fraction: the dictionary has it in binary places, or as one already.
const exact = (x, over = 1) => ((x * over) % 1 ? exact(x, over * 2) : over > 1 ? `${x * over}/${over}` : String(x));
const seen = (step) => Object.entries(step.receptive_field).flatMap(([input, { size, stride, center }]) => size.map((cells, axis) => {
  const length = told.inputs[input][axis];
  const stretch = cells === null ? "a stretch of no single size" : counted(cells, "cell");
  const more = cells > length ? ` (more than the ${length} there are)` : "";
  const moving = stride[axis] ? `, one every ${exact(stride[axis])}, the first around ${exact(center[axis])}` : "";
  return { cells, text: `${input} axis ${axis}: ${stretch}${more}${moving}` };
}));
const worst = (step) => step.marks.reduce((found, [severity]) => (!found || RANK[severity] < RANK[found] ? severity : found), "");
const matches = (step, query) =>
  step.name.toLowerCase().includes(query) || step.type.toLowerCase().includes(query) ||
  step.marks.some(([, name, text]) => `${name} ${text}`.toLowerCase().includes(query)) ||
  told.diagnostics.some((each) => each.step === step.name && `${each.code} ${each.name}`.toLowerCase().includes(query));

// The chosen step: the diagram, the table and the details follow it.

let chosen = -1;

function choose(index, { show = true } = {}) {
  if (!(index in told.steps)) return;
  chosen = index;
  details.show(index);
  diagram.choose(index, show);
  table.choose(index);
  followed(index);
}

// A page that shows the text as well goes to the step's line.
let followed = () => {};

// Head and findings

function head() {
  const list = document.querySelector("#figures dl");
  list.replaceChildren();
  for (const severity of ["error", "warning", "info"]) {
    const count = told.diagnostics.filter((each) => each.severity === severity).length;
    if (count) list.append(make("div", { class: severity === "info" ? "" : "bad" }, make("dt", {}, `${severity}s`), make("dd", {}, number(count))));
  }
  for (const [label, value] of told.figures) {
    const bad = /never read|wasted/.test(label) && value !== "0";
    list.append(make("div", { class: bad ? "bad" : "" }, make("dt", {}, label), make("dd", {}, value)));
  }
}

function findings() {
  const place = document.querySelector("#findings div");
  // The same thing found at several places is one entry.
  const alike = new Map();
  for (const each of [...told.diagnostics].sort((a, b) => RANK[a.severity] - RANK[b.severity])) {
    const key = `${each.code} ${each.title}`;
    alike.set(key, [...(alike.get(key) || []), each]);
  }
  const entries = [...alike.values()].map((each) => entryOf(each, alike.size));
  place.replaceChildren(...(entries.length ? entries : [make("p", { class: "none" }, "Nothing wrong.")]));
}

function entryOf(found, count) {
  const [{ severity, code, name, title, label }] = found;
  const open = severity !== "info" && count < 12;
  const values = open || !label || found.length > 1 ? "" : `: ${label}`;
  return make("details", { class: `finding ${severity}`, open },
    make("summary", {}, make("b", {}, `${severity} ${code}`), title, values, found.length > 1 ? `, at ${found.length} places` : "", severity === "info" ? ` (${name})` : ""),
    ...found.slice(0, 50).map(body));
}

function body(each) {
  const found = make("div", { class: "body" });
  if (each.label) found.append(make("p", { class: "label" }, each.label));
  if (each.library) found.append(make("p", {}, make("code", {}, each.library)));
  for (const mark of each.lines) found.append(excerpt(mark[0], mark[0], mark));
  if (!each.lines.length && !each.library && each.path) found.append(make("p", {}, make("code", {}, each.path)));
  if (each.help) found.append(make("p", {}, make("b", {}, "help: "), each.help));
  found.append(...each.fixes.map((fix) => offered(fix)));
  const step = numberOf(each);
  if (step in told.steps) {
    found.append(make("button", { type: "button", onclick: () => { choose(step); $("diagram").scrollIntoView({ block: "start" }); } }, `show ${each.step}`));
  }
  found.append(...more(each));
  return found;
}

// What a page can do beyond that about a finding.
let more = () => [];

function fixText({ text, effect, safe }) {
  return [make("b", {}, safe ? "safe fix: " : "unsafe fix: "), make("code", {}, text), effect ? ` — ${effect}` : ""];
}

// A fix of a finding; a page that can apply it puts a button in its place.
let offered = (fix) => make("p", {}, ...fixText(fix));

let excerpt = (first, last, mark = null) => {
  const found = make("pre");
  for (let line = first; line <= last && line <= told.source.length; line++) {
    const text = told.source[line - 1];
    found.append(make("i", {}, String(line)));
    if (mark && mark[0] === line) {
      const chars = [...text];
      const start = mark[1] - 1, stop = start + mark[2];
      found.append(chars.slice(0, start).join(""), make("mark", {}, chars.slice(start, stop).join("") || " "), chars.slice(stop).join(""));
    } else found.append(text);
    found.append("\n");
  }
  return told.source.length ? found : make("p", {}, `line ${first}`);
};

// Where an entry of the file ends: before the next line that is not indented more than its first.
function entry(line) {
  const depth = (text) => text.search(/\S|$/);
  let last = line;
  const first = told.source[line - 1] || "";
  while (last < told.source.length && last - line < 11 && told.source[last].trim() && depth(told.source[last]) > depth(first)) last++;
  return last;
}

// Details of one step

const details = {
  show(index) {
    const step = told.steps[index];
    const box = diagram.boxOf(index);
    const list = make("dl");
    const row = (name, value) => value && list.append(make("dt", {}, name), make("dd", {}, value));
    row("window", step.arguments);
    row("in", shapes(step.in));
    row("out", outputs(step));
    row("parameters", number(step.params));
    row("MACs", number(step.macs));
    row("loss", step.loss.map(({ text }) => text).join("; "));
    seen(step).forEach(({ text }, i) => row(i ? "" : "sees", text));
    const place = $("details");
    place.replaceChildren(make("h3", {}, step.name), make("p", { class: "type" }, step.type), list);
    if (step.marks.length) place.append(make("ul", { class: "marks" }, ...step.marks.map(([severity, name, text]) => make("li", { class: severity }, make("b", {}, `${name} `), text))));
    if (step.reads.length) place.append(make("p", {}, "reads"), buttons(step.reads));
    if (box && box.steps.length > 1) {
      place.append(make("p", {}, box.block ? `in a folded block of ${box.steps.length} steps` : "in the same box"), buttons(box.steps.slice(0, 40)));
      if (box.block) place.append(make("button", { type: "button", onclick: () => diagram.open(index) }, "unfold"));
    }
    if (step.line !== null) {
      if (told.source.length) place.append(make("p", {}, `line ${step.line}`));
      place.append(excerpt(step.line, entry(step.line)));
      for (const line of step.calls) place.append(make("p", {}, "called from"), excerpt(line, line));
    }
  },
};

function buttons(indices) {
  const known = indices.filter((each) => each in told.steps);
  return make("div", { class: "inside" }, ...known.map((each) => make("button", { type: "button", onclick: () => choose(each) }, told.steps[each].name)));
}

// The diagram

const diagram = {
  view: $("view"),
  at: -1,
  x: 0, y: 0, k: 1,
  held: false, // whether it is where the reader, or what was chosen, has put it
  start() {
    $("fold").onclick = () => this.level(this.at - 1);
    $("unfold").onclick = () => this.level(this.at + 1);
    $("closer").onclick = () => this.zoom(1.3);
    $("farther").onclick = () => this.zoom(1 / 1.3);
    $("fit").onclick = () => this.fit(true);
    this.hands();
    addEventListener("resize", () => this.place());
  },
  // The page says where the drawing of a level comes from, and gives it to `show`.
  level() {},
  show(at, svg, keep = false) {
    this.at = at;
    this.svg = svg;
    const box = this.svg.viewBox.baseVal;
    this.width = box.width; this.height = box.height;
    this.svg.setAttribute("width", box.width); this.svg.setAttribute("height", box.height);
    this.sheet = make("div", { class: "sheet" }, this.svg);
    this.view.replaceChildren(this.sheet);
    this.nodes = new Map();
    for (const node of this.svg.querySelectorAll("g.node")) {
      const found = /^box(\d+)$/.exec(node.id);
      if (found) this.nodes.set(Number(found[1]), node);
    }
    for (const title of this.svg.querySelectorAll("title")) title.remove();
    $("level").textContent = told.drawings.length > 1 ? `level ${at + 1} of ${told.drawings.length}, ${this.nodes.size} boxes` : "";
    $("fold").disabled = at === 0;
    $("unfold").disabled = at === told.drawings.length - 1;
    if (keep) this.place();
    else this.fit(false);
    search.mark();
    if (chosen >= 0) { this.choose(chosen, true); details.show(chosen); }
  },
  // The next level at which less stands in the box of a step.
  open(index) {
    const steps = (at) => this.boxOf(index, at).steps.length;
    const levels = told.drawings.map((_, at) => at).filter((at) => at > this.at);
    this.level(levels.find((at) => steps(at) < steps(this.at)) ?? this.at + 1);
  },
  boxOf(index, at = this.at) {
    const drawing = told.drawings[at];
    if (!drawing) return null;
    const number = drawing.boxes.findIndex((ranges) => ranges.some(([low, high]) => low <= index && index <= high));
    if (number < 0) return null;
    const steps = drawing.boxes[number].flatMap(([low, high]) => Array.from({ length: high - low + 1 }, (_, i) => low + i));
    return { number, steps, block: drawing.blocks.includes(number) };
  },
  choose(index, show) {
    if (!this.svg) return;
    for (const each of this.svg.querySelectorAll(".chosen")) each.classList.remove("chosen");
    const box = this.boxOf(index);
    const node = box && this.nodes.get(box.number);
    if (!node) return;
    node.classList.add("chosen");
    if (show) this.bring(node);
  },
  bring(node) {
    const box = node.getBoundingClientRect(), view = this.view.getBoundingClientRect();
    const inside = box.left > view.left + 2 && box.right < view.right - 2 && box.top > view.top + 2 && box.bottom < view.bottom - 2;
    if (inside) return;
    this.x += view.left + view.width / 2 - (box.left + box.width / 2);
    this.y += view.top + view.height / 2 - (box.top + box.height / 2);
    this.held = true;
    this.place();
  },
  fit(whole) {
    this.held = whole;
    const { clientWidth: width, clientHeight: height } = this.view;
    const across = width / this.width, down = height / this.height;
    this.k = whole ? Math.min(across, down, 1.5) : clamp(Math.max(Math.min(across, down), Math.min(across, 0.75)), 0.05, 1.2);
    this.x = (width - this.width * this.k) / 2;
    this.y = this.height * this.k < height ? (height - this.height * this.k) / 2 : 8;
    this.place();
  },
  zoom(by, x = this.view.clientWidth / 2, y = this.view.clientHeight / 2) {
    const k = clamp(this.k * by, 0.02, 8);
    this.x = x - (x - this.x) * (k / this.k);
    this.y = y - (y - this.y) * (k / this.k);
    this.k = k;
    this.held = true;
    this.place();
  },
  move(dx, dy) { this.x += dx; this.y += dy; this.held = true; this.place(); },
  place() {
    if (!this.svg) return;
    // Some of the picture always stays in sight.
    const { clientWidth: width, clientHeight: height } = this.view;
    this.x = clamp(this.x, 60 - this.width * this.k, width - 60);
    this.y = clamp(this.y, 60 - this.height * this.k, height - 60);
    // While it moves, the picture is scaled as it was painted; at rest it is painted anew, and sharp.
    this.sheet.style.willChange = "transform";
    clearTimeout(this.rest);
    this.rest = setTimeout(() => { this.sheet.style.willChange = "auto"; }, 200);
    this.sheet.style.transform = `translate(${this.x}px,${this.y}px) scale(${this.k})`;
  },
  hands() {
    const view = this.view;
    const down = new Map();
    let moved = 0;
    const local = (event) => { const box = view.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    view.addEventListener("pointerdown", (event) => { down.set(event.pointerId, local(event)); if (down.size === 1) moved = 0; });
    view.addEventListener("pointermove", (event) => {
      if (!down.has(event.pointerId)) return;
      const before = [...down.values()], [x, y] = local(event), [fromX, fromY] = down.get(event.pointerId);
      down.set(event.pointerId, [x, y]);
      moved += Math.abs(x - fromX) + Math.abs(y - fromY);
      if (moved > 4 && !view.hasPointerCapture(event.pointerId)) { view.setPointerCapture(event.pointerId); view.classList.add("moving"); }
      if (down.size === 1) this.move(x - fromX, y - fromY);
      else if (down.size === 2) {
        const after = [...down.values()];
        const apart = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
        this.move((x - fromX) / 2, (y - fromY) / 2);
        this.zoom(apart(after) / apart(before), (after[0][0] + after[1][0]) / 2, (after[0][1] + after[1][1]) / 2);
      }
    });
    const up = (event) => { down.delete(event.pointerId); if (!down.size) view.classList.remove("moving"); };
    view.addEventListener("pointerup", up);
    view.addEventListener("pointercancel", up);
    view.addEventListener("click", (event) => {
      if (moved > 4) return;
      const node = event.target.closest("g.node");
      for (const [number, each] of this.nodes) if (each === node) this.pick(number);
    });
    view.addEventListener("dblclick", (event) => { const [x, y] = local(event); if (!event.target.closest("g.node")) this.zoom(1.6, x, y); });
    view.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const [x, y] = local(event);
      this.zoom(Math.exp(-clamp(event.deltaY, -60, 60) / 120), x, y);
    }, { passive: false });
    view.addEventListener("keydown", (event) => this.key(event));
  },
  pick(number) {
    const ranges = told.drawings[this.at].boxes[number];
    if (ranges && ranges.length) choose(ranges[0][0], { show: false });
  },
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const box = chosen >= 0 ? this.boxOf(chosen) : null;
    const step = (by) => {
      const filled = told.drawings[this.at].boxes.map((each, i) => [each, i]).filter(([each]) => each.length);
      const at = box ? filled.findIndex(([, i]) => i === box.number) + by : 0;
      const next = filled[clamp(at, 0, filled.length - 1)];
      choose(next[0][0][0]);
    };
    const keys = {
      ArrowDown: () => step(1), ArrowRight: () => step(1), ArrowUp: () => step(-1), ArrowLeft: () => step(-1),
      Home: () => choose(0), End: () => choose(told.steps.length - 1),
      "+": () => this.zoom(1.3), "=": () => this.zoom(1.3), "-": () => this.zoom(1 / 1.3), 0: () => this.fit(true),
      "[": () => this.level(this.at - 1), "]": () => this.level(this.at + 1),
      w: () => this.move(0, 80), s: () => this.move(0, -80), a: () => this.move(80, 0), d: () => this.move(-80, 0),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  },
};

// Search: it marks boxes, and leaves of the table what matches.

const search = {
  query: "",
  start() {
    const field = $("search");
    field.addEventListener("input", () => { this.query = field.value.trim().toLowerCase(); this.next = -1; this.mark(); table.filter(); });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { field.value = ""; field.dispatchEvent(new Event("input")); }
      if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
    });
    addEventListener("keydown", (event) => {
      if (event.key === "/" && !document.activeElement.matches("input, select, textarea, [contenteditable]")) { event.preventDefault(); field.focus(); field.select(); }
    });
  },
  found() { return this.query ? told.steps.flatMap((step, i) => (matches(step, this.query) ? [i] : [])) : []; },
  go(by) {
    const found = this.found();
    if (!found.length) return;
    this.next = (this.next + by + found.length) % found.length;
    choose(found[this.next]);
  },
  mark() {
    const found = this.found();
    $("matches").textContent = this.query ? counted(found.length, "step") : "";
    const svg = diagram.svg;
    if (!svg) return;
    svg.classList.toggle("searching", Boolean(this.query));
    const hits = new Set(found.map((index) => (diagram.boxOf(index) || {}).number));
    for (const [number, node] of diagram.nodes) node.classList.toggle("hit", hits.has(number));
  },
};

// The table

const table = {
  columns: [
    ["#", (step, i) => i, "n"],
    ["step", (step) => step.name],
    ["type", (step) => step.type],
    ["output", outputs],
    ["params", (step) => step.params, "n"],
    ["MACs", (step) => step.macs, "n"],
    ["loss", (step) => step.marks.map(([, , text]) => text).join("; "), "wrap"],
    ["sees", (step) => (([first]) => (first ? first.cells ?? "?" : ""))(seen(step)), "n"],
    ["line", (step) => step.line ?? "", "n"],
  ],
  sorted: 0, rising: true, at: 0,
  start() {
    const heads = document.querySelector("#steps thead tr");
    this.columns.forEach(([name, , kind], i) => heads.append(make("th", { class: kind || "", scope: "col" }, make("button", { type: "button", onclick: () => this.sort(i) }, name))));
    $("family").onchange = $("marked").onchange = () => this.filter();
    document.querySelector("#steps tbody").addEventListener("keydown", (event) => this.key(event));
  },
  fill() {
    this.rows = told.steps.map((step, i) => {
      const row = make("tr", { tabindex: "-1", class: worst(step) }, ...this.columns.map(([, value, kind], column) => {
        const text = value(step, i);
        return make("td", { class: kind || "" }, typeof text === "number" && column > 3 && column < 6 ? number(text) : String(text ?? "?"));
      }));
      row.addEventListener("click", () => choose(i));
      return row;
    });
    const families = [...new Set(told.steps.map((step) => step.family).filter(Boolean))].sort();
    const family = $("family").value;
    $("family").replaceChildren(make("option", { value: "" }, "all"), ...families.map((each) => make("option", { value: each }, each)));
    $("family").value = families.includes(family) ? family : "";
    this.at = 0;
    this.sort(this.sorted, this.rising);
    if (this.rows.length) this.rows[0].tabIndex = 0;
    this.filter();
  },
  sort(column, rising = this.sorted === column ? !this.rising : column < 4 || column === 8) {
    this.sorted = column; this.rising = rising;
    const value = this.columns[column][1];
    const order = told.steps.map((step, i) => [value(step, i), i]);
    const known = (each) => (each === null || each === "" || each === "?" ? 1 : 0);
    order.sort(([a, i], [b, j]) => known(a) - known(b) || (rising ? 1 : -1) * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true })) || i - j);
    document.querySelector("#steps tbody").replaceChildren(...order.map(([, i]) => this.rows[i]));
    document.querySelectorAll("#steps th").forEach((head, i) => head.setAttribute("aria-sort", i === column ? (rising ? "ascending" : "descending") : "none"));
  },
  filter() {
    let count = 0;
    told.steps.forEach((step, i) => {
      const shown = (!search.query || matches(step, search.query)) && (!$("marked").checked || step.marks.length || step.loss.length) && (!$("family").value || step.family === $("family").value);
      this.rows[i].hidden = !shown;
      count += shown && i >= inputs;
    });
    $("shown").textContent = `${number(count)} of ${number(told.steps.length + told.left_out - inputs)} steps`;
  },
  choose(index) {
    const before = this.rows[this.at];
    before.classList.remove("chosen");
    before.tabIndex = -1;
    this.at = index;
    this.rows[index].classList.add("chosen");
    this.rows[index].tabIndex = 0;
  },
  key(event) {
    const row = event.target.closest("tr");
    if (!row) return;
    const visible = [...row.parentNode.children].filter((each) => !each.hidden);
    const go = (at) => { event.preventDefault(); const next = visible[clamp(at, 0, visible.length - 1)]; choose(this.rows.indexOf(next), { show: false }); next.focus(); next.scrollIntoView({ block: "nearest" }); };
    if (event.key === "ArrowDown") go(visible.indexOf(row) + 1);
    else if (event.key === "ArrowUp") go(visible.indexOf(row) - 1);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(visible.length - 1);
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(this.rows.indexOf(row)); }
  },
};

// Loss over input size

function chart(each) {
  const [width, height, left, bottom] = [960, 210, 44, 34];
  const nearby = each.nearby, step = (width - left - 10) / nearby.length;
  const most = Math.max(...nearby.map(([, , , , unread]) => unread), 1);
  const kind = ([, works, losing, uneven]) => (!works ? "fails" : losing ? "loses" : uneven ? "uneven" : "exact");
  const say = ([size, works, losing, uneven, unread]) =>
    `size ${size}: ` + (!works ? "does not work" : losing ? `${losing} step${losing > 1 ? "s" : ""} lose cells, ${unread} rows and columns of the input are never read` : uneven ? `loses nothing; ${uneven} step${uneven > 1 ? "s" : ""} leave padding over` : "nothing lost, nothing left over");
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", tabindex: 0, "aria-label": `Loss over the size of ${each.input}; arrow keys go from size to size` });
  const top = 16, base = height - bottom - 16, x = (i) => left + i * step;
  svg.append(draw("line", { class: "axis", x1: left, x2: width - 10, y1: base, y2: base }));
  svg.append(draw("text", { x: left - 6, y: top + 8, "text-anchor": "end" }, nearby.some((s) => s[4]) ? String(most) : ""), draw("text", { x: left - 6, y: base, "text-anchor": "end" }, "0"));
  nearby.forEach((found, i) => {
    const tall = (found[4] / most) * (base - top - 4);
    if (found[1] && tall) svg.append(draw("rect", { class: "loses", x: x(i) + 0.5, y: base - tall, width: Math.max(step - 1, 1), height: tall }));
    svg.append(draw("rect", { class: kind(found), x: x(i), y: base + 4, width: step, height: 10 }));
    if (found[0] % 16 === 0) svg.append(draw("text", { x: x(i) + step / 2, y: base + 30, "text-anchor": "middle" }, String(found[0])));
    if (found[0] === each.given) {
      svg.append(draw("line", { class: "given", x1: x(i) + step / 2, x2: x(i) + step / 2, y1: top - 10, y2: base + 14 }));
    }
  });
  const cursor = draw("rect", { class: "cursor", x: 0, y: top - 8, width: step + 2, height: base - top + 24, visibility: "hidden" });
  svg.append(cursor);
  const said = make("p", { "aria-live": "polite" }, say(nearby.find(([size]) => size === each.given)));
  let at = nearby.findIndex(([size]) => size === each.given);
  const point = (i) => { at = clamp(i, 0, nearby.length - 1); cursor.setAttribute("x", x(at) - 1); cursor.setAttribute("visibility", "visible"); said.textContent = say(nearby[at]); };
  svg.addEventListener("pointermove", (event) => { const box = svg.getBoundingClientRect(); point(Math.floor((((event.clientX - box.left) / box.width) * width - left) / step)); });
  svg.addEventListener("keydown", (event) => { const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]; if (by) { event.preventDefault(); point(at + by); } else if (event.key === "Enter") picked(each.input, nearby[at][0]); });
  svg.addEventListener("click", () => picked(each.input, nearby[at][0]));
  const key = (name, text) => make("span", {}, sign(name), text);
  const legend = make("p", { class: "keys" }, key("loses", "rows and columns never read (bars); some step loses cells"), key("uneven", "only padding is left over"), key("exact", "nothing is left over"), key("fails", "does not work"), make("span", {}, "┆ the given size"));
  const words = make("dl", {}, ...each.words.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]));
  return [make("h3", {}, each.input), svg, said, legend, words];
}

// A page that can plan with another size does so where one is picked in a chart.
let picked = () => {};

function charts() {
  const missing = told.unsized ? [make("p", {}, "Not worked out here for so many layers; planner sizes does.")] : [];
  document.querySelector("#sizes .charts").replaceChildren(...told.sizes.flatMap(chart), ...missing);
}

function sign(name) {
  const svg = draw("svg", { viewBox: "0 0 10 10", width: 12, height: 12, style: "display:inline-block;width:12px;margin-right:6px;vertical-align:-1px" });
  svg.append(draw("rect", { class: name, width: 10, height: 10 }));
  return svg;
}

// Light and dark

function theme() {
  const root = document.documentElement, button = $("theme");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; name(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}
