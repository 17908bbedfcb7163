// The panes beside the text. What shows a report is shared with its page (parts.js); it gets the plan whenever there is
// another, and the other parts when they are looked at.

/* global $, make, tell, choose, head, findings, charts, diagram, table, search, numbers, told, fixText,
   chosen:writable, followed:writable, offered:writable, excerpt:writable, more:writable */

const PARTS = { picture: "picture", findings: "fixes", map: "maps", sizes: "sizes" };
const NARROW = matchMedia("(max-width: 900px)");

export class Panes {
  constructor(line, editor) {
    Object.assign(this, { line, editor, stale: new Set(Object.values(PARTS)), level: null, name: "" });
    followed = (index) => this.follow(index);
    offered = (fix) => this.offer(fix);
    excerpt = (first, last, mark = [first, 1, 0]) => make("p", {}, make("button", { type: "button", class: "place", onclick: () => this.go(...mark) }, `line ${first}`));
    more = ({ code, lines: [place] }) => [
      ...(place ? [" ", make("button", { type: "button", class: "place", title: "Ctrl + . in the text", onclick: () => this.act(...place) }, "what can be done …")] : []),
      " ", make("a", { href: `explain/${code}`, target: "_blank", rel: "noreferrer" }, `what ${code} means`),
    ];
    diagram.level = (level) => { this.level = level; this.ask("picture"); };
    table.start();
    search.start();
    diagram.start();
    this.tabs = [...document.querySelectorAll("[role=tab]")];
    for (const tab of this.tabs) {
      tab.onclick = () => this.open(tab.dataset.pane);
      tab.onkeydown = (event) => this.step(event);
    }
    NARROW.addEventListener("change", () => this.open(this.pane));
    this.open(NARROW.matches ? "text" : "picture");
  }

  // Tabs

  get shownTabs() {
    return this.tabs.filter((each) => NARROW.matches || each.dataset.pane !== "text");
  }

  open(pane) {
    this.pane = !NARROW.matches && pane === "text" ? "picture" : pane;
    document.body.dataset.pane = this.pane;
    for (const tab of this.tabs) {
      const selected = tab.dataset.pane === this.pane;
      tab.setAttribute("aria-selected", selected);
      tab.tabIndex = selected ? 0 : -1;
      if (tab.dataset.pane !== "text") $(tab.getAttribute("aria-controls")).hidden = !selected;
    }
    if (told) this.ask(PARTS[this.pane]);
    if (this.pane === "picture" && diagram.svg) diagram.place();
    if (chosen >= 0) this.reveal();
  }

  step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const tabs = this.shownTabs;
    const next = tabs[(tabs.indexOf(event.currentTarget) + by + tabs.length) % tabs.length];
    this.open(next.dataset.pane);
    next.focus();
  }

  // The plan, and the parts that follow it

  planned(data) {
    const empty = data.steps.length === 0 && told?.steps.length > 0;
    const kept = { drawings: told?.drawings ?? [], sizes: told?.sizes ?? [], unsized: told?.unsized ?? false, source: [] };
    // Of a text in which nothing can be planned, what was planned before stays in sight.
    tell(empty ? { ...told, diagnostics: data.diagnostics.map((each) => ({ ...each, step: null })) } : { ...data, ...kept });
    document.body.classList.toggle("behind", empty);
    const errors = told.diagnostics.filter((each) => each.severity === "error").length;
    const warnings = told.diagnostics.filter((each) => each.severity === "warning").length;
    $("count").textContent = errors + warnings ? String(errors + warnings) : "";
    $("count").className = errors ? "error" : "warning";
    head();
    findings();
    if (!empty) {
      table.fill();
      chosen = -1;
      this.quiet = true;
      const first = () => told.diagnostics.find((each) => each.severity !== "info" && numbers.has(each.step))?.step;
      const at = numbers.get(this.name) ?? numbers.get(first()) ?? 0;
      choose(at, { show: false });
      this.quiet = false;
    }
    for (const part of Object.values(PARTS)) this.stale.add(part);
    this.ask(PARTS[this.pane]);
  }

  async ask(part) {
    if (!part || !(this.stale.has(part) || (part === "picture" && this.level !== diagram.at))) return;
    this.stale.delete(part);
    const { doc } = this.editor;
    const known = told;
    const place = document.querySelector(`[data-part=${part}]`);
    place.setAttribute("aria-busy", "true");
    const answer = await this.line.ask("planner/part", part === "picture" ? { part, level: this.level } : { part });
    place.setAttribute("aria-busy", "false");
    if (!answer || known !== told) return void this.stale.add(part); // the next plan is on its way
    place.querySelector(".failed")?.remove();
    if (answer.failed) place.prepend(make("p", { class: "failed" }, answer.failed));
    else this[part](answer, doc);
  }

  picture({ drawings, level, svg }) {
    told.drawings = drawings;
    if (!svg) {
      diagram.svg = undefined;
      diagram.view.replaceChildren("There is nothing to draw.");
      return;
    }
    const found = document.importNode(new DOMParser().parseFromString(svg, "image/svg+xml").documentElement, true);
    const keep = diagram.held && diagram.svg !== undefined && diagram.at === level && told.model === this.drawn;
    this.drawn = told.model;
    this.level = level;
    diagram.show(level, found, keep);
  }

  fixes({ fixes }, doc) {
    told.diagnostics.forEach((each, i) => { each.fixes = (fixes[i] ?? []).map((fix) => ({ ...fix, doc })); });
    findings();
  }

  maps({ maps }) {
    const found = maps.flatMap((each) => [...new DOMParser().parseFromString(each, "text/html").body.children]);
    $("maps").replaceChildren(...(found.length ? found : ["No input has rows and columns."]));
  }

  sizes({ sizes, unsized }) {
    Object.assign(told, { sizes, unsized });
    charts();
    const nothing = "There is nothing to say of other sizes: no input has spatial axes, or the plan ends at an error.";
    if (!sizes.length && !unsized) document.querySelector("#sizes .charts").replaceChildren(make("p", {}, nothing));
  }

  // What is chosen in one place is chosen in the others

  follow(index) {
    const { name, line, calls } = told.steps[index];
    this.name = name;
    this.reveal();
    if (!this.quiet) this.editor.show([line, ...calls].filter(Boolean));
  }

  reveal() {
    if (this.pane === "table") table.rows[chosen]?.scrollIntoView({ block: "nearest" });
  }

  moved(line) {
    if (!told) return;
    const at = told.steps.flatMap((step, i) => (step.line === line || step.calls.includes(line) ? [i] : []));
    this.editor.mark(at.length ? [line] : []);
    if (!at.length || at.includes(chosen)) return;
    this.quiet = true;
    choose(at.find((each) => told.steps[each].line === line) ?? at[0]);
    this.quiet = false;
  }

  go(line, column, length) {
    if (NARROW.matches) this.open("text");
    this.editor.select(line, column, length);
  }

  // The menu of actions at a place of the text: rules that may be allowed, and all that is safe at once.
  act(...place) {
    this.go(...place);
    this.editor.act();
  }

  offer(fix) {
    const apply = () => {
      if (!this.editor.doc.eq(fix.doc)) return;
      this.editor.view.dispatch({ changes: fix.changes, userEvent: "input.fix", scrollIntoView: true });
    };
    const button = fix.changes.length ? make("button", { type: "button", class: fix.safe ? "safe" : "", onclick: apply }, "Apply") : null;
    return make("p", { class: "fix" }, button, make("span", {}, ...fixText(fix)));
  }
}
