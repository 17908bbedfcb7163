// The editor: CodeMirror as a client of the language server, and what its client does not do: hints and lenses.

import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, selectedCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, codeFolding, foldGutter, foldKeymap, HighlightStyle, indentService, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { languageServerExtensions, LSPClient } from "@codemirror/lsp-client";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { actionMenu, showActions } from "./actions.js";
import { beside, showBeside } from "./beside.js";
import { hanging } from "./hanging.js";
import { sanitized } from "./sanitized.js";

const QUIET = 50; // milliseconds without a key after which the text is sent

const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.content], color: "var(--value)" },
  { tag: [tags.comment, tags.lineComment], color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: "var(--soft)" },
  { tag: [tags.keyword, tags.labelName, tags.typeName, tags.meta], color: "var(--accent)" },
]));

const mark = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(found, transaction) {
    found = found.map(transaction.changes);
    for (const effect of transaction.effects) if (effect.is(mark)) found = Decoration.set(effect.value, true);
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

// Below a key without a value its value begins, two columns further in.
const below = indentService.of((context, at) => {
  const { text } = context.lineAt(at, -1);
  const found = /^(\s*)(- )?[^\s#'"[\]{}][^#'"[\]{}]*:\s*(#.*)?$/.exec(text);
  return found ? found[1].length + (found[2] ?? "").length + 2 : undefined;
});

// A word that is written in full is not offered once more to Enter: it ends the line.
const finished = ({ state }) => {
  const chosen = selectedCompletion(state);
  const { head } = state.selection.main;
  return chosen && !chosen.apply && state.sliceDoc(head - chosen.label.length, head) === chosen.label;
};

export class Editor {
  // moved: told the number of the line when the reader goes to another; changed: told when the text is another
  constructor(parent, { line, uri, text, moved, changed, save }) {
    this.comparison = new Compartment();
    this.client = new LSPClient({ extensions: languageServerExtensions(), sanitizeHTML: sanitized, timeout: 20_000 });
    const follow = EditorView.updateListener.of((update) => {
      if (update.docChanged) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.client.sync(), QUIET);
        changed();
      } else if (update.selectionSet && !update.transactions.some((each) => each.isUserEvent("planner"))) {
        moved(update.state.doc.lineAt(update.state.selection.main.head).number);
      }
    });
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(keymap.of([{ key: "Enter", run: (view) => finished(view) && closeCompletion(view) && false }])),
          lineNumbers(), lintGutter(), codeFolding(), foldGutter(), history(), drawSelection(), dropCursor(), bracketMatching(), closeBrackets(),
          highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(), autocompletion(),
          EditorView.lineWrapping, EditorState.allowMultipleSelections.of(true), indentUnit.of("  "), EditorState.tabSize.of(2), yaml(), below, colours, marked, beside, hanging, actionMenu, follow,
          keymap.of([
            { key: "Mod-s", run: () => (save(), true), preventDefault: true },
            { key: "Mod-.", run: () => (this.act(), true), preventDefault: true },
            ...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap, ...defaultKeymap, indentWithTab,
          ]),
          EditorView.contentAttributes.of({ "aria-label": "Model file", spellcheck: "false", autocapitalize: "off" }),
          this.client.plugin(uri, "yaml"),
          this.comparison.of([]),
        ],
      }),
    });
    this.connect(line);
  }

  connect(line) {
    this.client.connect(line.transport);
  }

  get doc() {
    return this.view.state.doc;
  }

  // Hints behind the lines, and lenses above them, of the text as the server knows it by now.
  async refresh() {
    await this.client.initializing;
    await showBeside(this.view, this.client);
  }

  // What may be done about the findings where the cursor stands.
  act() {
    return showActions(this.view, this.client);
  }

  // The whole text is another: only what differs is changed, so that the cursor stays where it was.
  replace(text) {
    const now = this.doc.toString();
    let start = 0, end = 0;
    const most = Math.min(now.length, text.length);
    while (start < most && now[start] === text[start]) start++;
    while (end < most - start && now[now.length - 1 - end] === text[text.length - 1 - end]) end++;
    this.view.dispatch({ changes: { from: start, to: now.length - end, insert: text.slice(start, text.length - end) }, userEvent: "planner.replace" });
  }

  // Goes to the first of the lines and marks all of them.
  show(lines) {
    const found = lines.filter((each) => each >= 1 && each <= this.doc.lines).map((each) => this.doc.line(each));
    const effects = [mark.of(found.map((each) => chosenLine.range(each.from)))];
    if (found.length) {
      const [{ from, text }] = found;
      effects.push(EditorView.scrollIntoView(from, { y: "center" }));
      this.view.dispatch({ effects, selection: { anchor: from + text.search(/\S|$/) }, userEvent: "planner.show" });
    } else this.view.dispatch({ effects });
  }

  mark(lines) {
    const found = lines.filter((each) => each >= 1 && each <= this.doc.lines).map((each) => chosenLine.range(this.doc.line(each).from));
    this.view.dispatch({ effects: mark.of(found), userEvent: "planner.mark" });
  }

  select(line, column, length) {
    const found = this.doc.line(Math.min(line, this.doc.lines));
    const at = (characters) => Math.min(found.from + [...found.text].slice(0, characters).join("").length, found.to);
    const [anchor, head] = [at(column - 1), at(column - 1 + length)];
    this.view.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: "center" }), userEvent: "planner.select" });
    this.view.focus();
  }
}

const chosenLine = Decoration.line({ class: "cm-chosen" });
