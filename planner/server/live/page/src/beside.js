// What stands beside the text and is not part of it: hints behind lines, and lenses above them.

import { RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, WidgetType } from "@codemirror/view";

class Beside extends WidgetType {
  constructor(tag, kind, text, tip = "", indent = 0) {
    super();
    Object.assign(this, { tag, kind, text, tip, indent });
  }
  eq(other) {
    return other.text === this.text && other.tip === this.tip && other.kind === this.kind && other.indent === this.indent;
  }
  toDOM() {
    const found = document.createElement(this.tag);
    found.className = this.kind;
    found.textContent = this.text;
    if (this.tip) found.title = this.tip;
    if (this.indent) found.style.paddingLeft = `${this.indent}ch`;
    return found;
  }
  ignoreEvent() {
    return false;
  }
}

const put = StateEffect.define();

export const beside = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    found = found.map(transaction.changes);
    for (const effect of transaction.effects) if (effect.is(put)) found = effect.value;
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const words = (label) => (typeof label === "string" ? label : label.map(({ value }) => value).join(""));
const plain = (tip) => (typeof tip === "object" ? tip?.value : tip) ?? "";

export async function showBeside(view, client) {
  const doc = view.state.doc;
  const [{ uri }] = client.workspace.files;
  const { inlayHintProvider, codeLensProvider } = client.serverCapabilities ?? {};
  const whole = { start: { line: 0, character: 0 }, end: { line: doc.lines, character: 0 } };
  // Where the text has changed meanwhile the server refuses, and is asked again when that text is planned.
  const ask = (able, method, params) => (able ? client.request(method, { textDocument: { uri }, ...params }).catch(() => null) : []);
  const [hints, lenses] = await Promise.all([
    ask(inlayHintProvider, "textDocument/inlayHint", { range: whole }),
    ask(codeLensProvider, "textDocument/codeLens", {}),
  ]);
  if (!hints || !lenses || view.state.doc !== doc) return;
  const line = ({ line }) => doc.line(Math.min(line + 1, doc.lines));
  const ranges = hints.map(({ position, label, tooltip }) => {
    const at = Math.min(line(position).from + position.character, line(position).to);
    return Decoration.widget({ widget: new Beside("span", "cm-hint", words(label), plain(tooltip)), side: 1 }).range(at);
  });
  for (const [number, titles] of byLine(lenses)) {
    const { from, text } = doc.line(Math.min(number + 1, doc.lines));
    const widget = new Beside("div", "cm-lens", titles.join("  ·  "), "", text.search(/\S|$/));
    ranges.push(Decoration.widget({ widget, side: -1, block: true }).range(from));
  }
  view.dispatch({ effects: put.of(RangeSet.of(ranges, true)), userEvent: "planner.beside" });
}

function byLine(lenses) {
  const found = new Map();
  for (const { range, command } of lenses) {
    if (command) found.set(range.start.line, [...(found.get(range.start.line) ?? []), command.title]);
  }
  return found;
}
