// The page beside `planner live`: an editor and panes over one line to the planner.

/* global $, theme */

import { Editor } from "./editor.js";
import { Keeping } from "./keeping.js";
import { Line } from "./line.js";
import { Panes } from "./panes.js";
import { Sizing } from "./sizing.js";

const REST = 120; // milliseconds that the cursor rests on a line before the panes follow
let editor, keeping, panes, sizing, resting;

const line = new Line(new URL("talk", location.href.replace(/^http/, "ws")), {
  opened: () => begin(),
  lost: () => {
    document.body.classList.add("lost");
    $("state").textContent = "connection lost; trying again. The text is kept here.";
  },
  told: (method, params) => ({ "planner/planned": planned, "planner/disk": ({ text }) => keeping?.found(text) })[method]?.(params),
});

async function begin() {
  const file = await line.ask("planner/open");
  if (!file) return;
  document.body.classList.remove("lost");
  $("state").textContent = "";
  if (editor) {
    editor.connect(line);
    sizing.again();
    keeping.found(file.text);
    return;
  }
  document.title = file.name;
  $("name").textContent = file.name;
  editor = new Editor($("editor"), { line, uri: file.uri, text: file.text ?? "", changed: shown, save: () => keeping.save(), moved: rest });
  keeping = new Keeping(line, editor, file.text ?? "", shown);
  if (file.text === null) keeping.found(null);
  panes = new Panes(line, editor);
  sizing = new Sizing(line, editor);
  $("save").onclick = () => keeping.save();
  addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
    event.preventDefault();
    keeping.save();
  });
  editor.view.focus();
  shown();
}

function rest(number) {
  clearTimeout(resting);
  resting = setTimeout(() => panes.moved(number), REST);
}

function planned(data) {
  sizing.planned(data);
  panes.planned(data);
  editor.refresh();
}

function shown() {
  if (!keeping) return;
  const { unsaved } = keeping;
  document.body.classList.toggle("unsaved", unsaved);
  document.title = (unsaved ? "● " : "") + $("name").textContent;
  $("save").disabled = !unsaved;
}

function divide() {
  const set = (share) => document.body.style.setProperty("--left", `${Math.min(Math.max(share, 20), 80)}%`);
  const divider = $("divider");
  const share = () => (100 * $("text").getBoundingClientRect().width) / innerWidth;
  divider.onpointerdown = (event) => divider.setPointerCapture(event.pointerId);
  divider.onpointermove = (event) => { if (divider.hasPointerCapture(event.pointerId)) set((100 * event.clientX) / innerWidth); };
  divider.onkeydown = (event) => {
    const by = { ArrowLeft: -4, ArrowRight: 4 }[event.key];
    if (by) set(share() + by);
  };
}

divide();
theme();
