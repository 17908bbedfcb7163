// Another size of an input, tried without writing it: the plan and everything beside the text are of that size.

/* global $, make, told, picked:writable */

const APART = 80; // milliseconds from one size that is tried to the next, while the slider moves

export class Sizing {
  constructor(line, editor) {
    Object.assign(this, { line, editor, own: {}, figures: [], input: "", size: null });
    picked = (input, size) => { this.input = input; this.look(size); };
    $("which").onchange = () => { this.input = $("which").value; this.look(null); };
    $("slider").oninput = () => this.look($("slider").valueAsNumber);
    $("number").onchange = () => { if ($("number").valueAsNumber >= 1) this.look(Math.floor($("number").valueAsNumber)); };
    $("asfile").onclick = $("looking").querySelector("button").onclick = () => this.look(null);
    $("write").onclick = () => this.write();
  }

  // The shapes of all inputs, with the chosen one's largest axis, and those as long, at the size.
  get shapes() {
    if (this.size === null) return null;
    const shape = this.own[this.input];
    const longest = Math.max(...shape.slice(0, -1));
    const tried = shape.map((each, axis) => (axis < shape.length - 1 && each === longest ? this.size : each));
    return { ...this.all, [this.input]: tried };
  }

  look(size) {
    this.size = size === this.given ? null : size;
    this.show();
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.line.ask("planner/look", { input: this.shapes });
    }, APART);
  }

  // After the line was lost the planner has forgotten it.
  again() {
    if (this.size !== null) this.line.ask("planner/look", { input: this.shapes });
  }

  get given() {
    const shape = this.own[this.input];
    return shape ? Math.max(...shape.slice(0, -1)) : null;
  }

  planned(data) {
    if (data.looked === null && data.steps.length) {
      const changed = JSON.stringify(this.all) !== JSON.stringify(data.inputs);
      Object.assign(this, { own: data.spatial, all: data.inputs, figures: data.figures });
      if (!(this.input in this.own)) this.input = Object.keys(this.own)[0] ?? "";
      if (changed && this.size !== null) this.size = null;
    } else if (data.looked !== null && this.size !== null && !(this.input in data.inputs)) this.look(null);
    this.show();
    if (data.steps.length) this.compare(data);
  }

  show() {
    const { given } = this;
    const names = Object.keys(this.own);
    $("resize").hidden = given === null;
    $("looking").hidden = this.size === null;
    if (given === null) return;
    const size = this.size ?? given;
    $("which").replaceChildren(...names.map((name) => make("option", { value: name, selected: name === this.input }, name)));
    $("which").parentElement.hidden = names.length < 2;
    $("slider").max = Math.max(2 * given, 64);
    $("slider").value = size;
    $("number").value = size;
    $("asfile").disabled = $("write").disabled = this.size === null;
    if (this.size !== null) $("looking").querySelector("span").textContent = `planned with ${this.input} at ${this.shapes[this.input].join("×")}, not as in the file`;
  }

  compare(data) {
    const own = new Map(this.figures);
    const differ = data.looked === null ? [] : data.figures.filter(([label, value]) => own.get(label) !== value);
    const row = (tag, ...texts) => make("tr", {}, ...texts.map((each) => make(tag, {}, each)));
    const rows = differ.map(([label, value]) => row("td", label, own.get(label) ?? "–", value));
    $("compared").replaceChildren(...(rows.length ? [row("th", "", "as in the file", "at this size"), ...rows] : []));
  }

  async write() {
    const { doc } = this.editor;
    const answer = await this.line.ask("planner/part", { part: "resized" });
    if (!answer?.changes || this.editor.doc !== doc) return;
    this.size = null;
    this.line.ask("planner/look", { input: null });
    this.editor.view.dispatch({ changes: answer.changes, userEvent: "input.size", scrollIntoView: true });
  }
}
