// The rows of a line that does not fit are set in as far as what the line says: at its beginning they would look like keys.

import { RangeSetBuilder } from "@codemirror/state";
import { Decoration, EditorView, ViewPlugin } from "@codemirror/view";

const DEEPEST = 24; // columns; further in there would be no room on a phone

function hung({ state, visibleRanges }) {
  const found = new RangeSetBuilder();
  for (const { from, to } of visibleRanges) {
    for (let at = from; at <= to; ) {
      const line = state.doc.lineAt(at);
      const columns = Math.min(/^ *(- )?/.exec(line.text)[0].length, DEEPEST);
      if (columns) found.add(line.from, line.from, Decoration.line({ attributes: { style: `--in:${columns}ch` }, class: "cm-hung" }));
      at = line.to + 1;
    }
  }
  return found.finish();
}

export const hanging = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.lines = hung(view);
    }
    update(update) {
      if (update.docChanged || update.viewportChanged) this.lines = hung(update.view);
    }
  },
  { decorations: ({ lines }) => lines },
);
