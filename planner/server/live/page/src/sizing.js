// Another size of an input, tried without writing it: the plan and everything beside the text are of that size.

/* global $, make, told, picked:writable */

const ALIKE = "*"; // in place of a name: all inputs that have the rows and columns of the first
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
    const longest = this.given;
    const tried = (shape) => shape.map((each, axis) => (axis < shape.length - 1 && each === longest ? this.size : each));
    return { ...this.all, ...Object.fromEntries(this.moved.map((name) => [name, tried(this.own[name])])) };
  }

  // Two images that are compared are of one size: the slider moves both, if the reader does not choose one.
  get alike() {
    const spatial = (name) => this.own[name].slice(0, -1).join();
    const names = Object.keys(this.own);
    return names.filter((name) => spatial(name) === spatial(names[0]));
  }

  get moved() {
    return this.input === ALIKE ? this.alike : [this.input];
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
    const shape = this.own[this.moved[0]];
    return shape ? Math.max(...shape.slice(0, -1)) : null;
  }

  planned(data) {
    if (data.looked === null && data.steps.length) {
      const changed = JSON.stringify(this.all) !== JSON.stringify(data.inputs);
      Object.assign(this, { own: data.spatial, all: data.inputs, figures: data.figures });
      const several = this.alike.length > 1;
      if (this.input === ALIKE ? !several : !(this.input in this.own)) this.input = several ? ALIKE : Object.keys(this.own)[0] ?? "";
      if (changed && this.size !== null) this.size = null;
    } else if (data.looked !== null && this.size !== null && !this.moved.every((name) => name in data.inputs)) this.look(null);
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
    const all = this.alike.length > 1 ? [[ALIKE, this.alike.join(" and ")]] : [];
    const choices = [...all, ...names.map((name) => [name, name])];
    $("which").replaceChildren(...choices.map(([value, label]) => make("option", { value, selected: value === this.input }, label)));
    $("which").parentElement.hidden = names.length < 2;
    $("slider").max = Math.max(2 * given, 64);
    $("slider").value = size;
    $("number").value = size;
    $("asfile").disabled = $("write").disabled = this.size === null;
    if (this.size !== null) $("looking").querySelector("span").textContent = `planned with ${this.moved.map((name) => `${name} at ${this.shapes[name].join("×")}`).join(", ")}`;
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
    clearTimeout(this.timer); // the size that is shown, though it may not have been planned yet
    this.timer = null;
    await this.line.ask("planner/look", { input: this.shapes });
    const answer = await this.line.ask("planner/part", { part: "resized" });
    if (!answer?.changes || this.editor.doc !== doc) return;
    this.size = null;
    this.line.ask("planner/look", { input: null });
    this.editor.view.dispatch({ changes: answer.changes, userEvent: "input.size", scrollIntoView: true });
  }
}
