// The text here and the file on disk: saving, and what happens when another program has written the file.

import { unifiedMergeView } from "@codemirror/merge";
import { Text } from "@codemirror/state";

const mergeControls = (type, onmousedown) => button({ accept: "mine", reject: "the file’s" }[type], { onmousedown });
const button = (label, does) => Object.assign(document.createElement("button"), { type: "button", textContent: label, ...does });
const textOf = (text) => Text.of(text.split("\n"));

export class Keeping {
  // base: the text of the file that the one here was made of; theirs: another that was found in the file since
  constructor(line, editor, text, shown) {
    Object.assign(this, { line, editor, shown, theirs: null, gone: false, busy: false });
    this.base = textOf(text);
    addEventListener("beforeunload", (event) => { if (this.unsaved) event.preventDefault(); });
  }

  get unsaved() {
    return this.gone || !this.editor.doc.eq(this.base);
  }

  // What the file holds now; null where it is gone.
  found(text) {
    this.gone = text === null;
    if (this.gone) return this.say("The file is gone from the disk. The text is kept here; saving makes the file anew.");
    const found = textOf(text);
    const clean = this.editor.doc.eq(this.base);
    if (found.eq(this.base)) this.settle(this.base);
    else if (clean || this.editor.doc.eq(found)) {
      this.base = found;
      if (clean) this.editor.replace(text);
      this.settle(found);
    } else {
      this.theirs = found;
      if (this.comparing) this.compare();
      else this.say(
        "Another program has changed the file, and the text here is not saved. Neither is lost:",
        ["Compare", () => this.compare()],
        ["Take the file’s", () => { this.editor.replace(this.theirs.toString()); this.settle(this.theirs); }],
        ["Keep mine", () => this.settle(this.theirs)],
      );
    }
    this.shown();
  }

  // From now on the text here counts as made of this one.
  settle(text) {
    this.base = text;
    this.theirs = null;
    this.compareWith(null);
    this.say("");
    this.shown();
  }

  compare() {
    this.compareWith(this.theirs);
    this.say(
      "What differs from the file on disk is marked; each change is kept or taken back beside it.",
      ["Done", () => this.settle(this.theirs)],
      ["Take the file’s", () => { this.editor.replace(this.theirs.toString()); this.settle(this.theirs); }],
    );
  }

  compareWith(original) {
    this.comparing = original !== null;
    const { view, comparison } = this.editor;
    view.dispatch({ effects: comparison.reconfigure(original ? unifiedMergeView({ original, collapseUnchanged: { margin: 3 }, mergeControls }) : []) });
  }

  async save() {
    if (this.theirs || this.busy) return document.querySelector("#notice button")?.focus();
    this.busy = true;
    const doc = this.editor.doc;
    const answer = await this.line.ask("planner/save", { base: this.base.toString(), text: doc.toString() });
    this.busy = false;
    if (!answer) return; // the notice on the lost line says it
    if (answer.changed) return this.found((await this.line.ask("planner/open"))?.text ?? null);
    if (answer.failed) return this.say(`Not saved: ${answer.failed}.`);
    this.gone = false;
    this.settle(doc);
  }

  say(text, ...buttons) {
    const place = document.getElementById("notice");
    place.hidden = !text;
    place.replaceChildren(text, ...buttons.map(([label, onclick]) => button(label, { onclick })));
  }
}
