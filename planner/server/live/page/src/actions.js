// What the language server offers to do about the findings at the cursor, as a menu beside it.

import { StateEffect, StateField } from "@codemirror/state";
import { EditorView, showTooltip } from "@codemirror/view";

const offer = StateEffect.define();

export const actionMenu = StateField.define({
  create: () => null,
  update(found, transaction) {
    for (const effect of transaction.effects) if (effect.is(offer)) return effect.value;
    return transaction.docChanged || transaction.selection ? null : found;
  },
  provide: (field) => showTooltip.from(field),
});

export async function showActions(view, client) {
  client.sync();
  const { doc, selection } = view.state;
  const [{ uri }] = client.workspace.files;
  const position = (at) => ({ line: doc.lineAt(at).number - 1, character: at - doc.lineAt(at).from });
  // All of the line: nobody aims at the one letter that is underlined.
  const range = { start: position(doc.lineAt(selection.main.from).from), end: position(doc.lineAt(selection.main.to).to) };
  const params = { textDocument: { uri }, range, context: { diagnostics: [], triggerKind: INVOKED } };
  const found = await client.request("textDocument/codeAction", params).catch(() => null);
  if (!found || view.state.doc !== doc) return;
  const at = view.state.selection.main.head;
  view.dispatch({ effects: offer.of({ pos: at, above: false, create: () => ({ dom: menu(view, doc, found), mount: focused }) }) });
}

function menu(view, doc, found) {
  const close = () => {
    view.dispatch({ effects: offer.of(null) });
    view.focus();
  };
  const items = found.map(({ title, edit }) => Object.assign(document.createElement("button"), {
    type: "button",
    role: "menuitem",
    textContent: title,
    onclick: () => {
      if (view.state.doc === doc) view.dispatch({ changes: changes(doc, edit), userEvent: "input.action", scrollIntoView: true });
      close();
    },
  }));
  const place = document.createElement("div");
  place.className = "cm-actions";
  place.setAttribute("role", "menu");
  place.tabIndex = -1;
  place.append(...(items.length ? items : ["Nothing is offered for this line."]));
  place.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && items.length) items[(items.indexOf(document.activeElement) + by + items.length) % items.length].focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  };
  place.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !place.contains(relatedTarget)) view.dispatch({ effects: offer.of(null) });
  });
  return place;
}

function focused(view) {
  const place = view.dom.querySelector(".cm-actions");
  (place?.querySelector("button") ?? place)?.focus();
}

function changes(doc, { changes, documentChanges }) {
  const edits = changes ? Object.values(changes).flat() : documentChanges.flatMap((each) => each.edits);
  const at = ({ line, character }) => (line < doc.lines ? Math.min(doc.line(line + 1).from + character, doc.line(line + 1).to) : doc.length);
  return edits.map(({ range, newText }) => ({ from: at(range.start), to: at(range.end), insert: newText }));
}

const INVOKED = 1;
