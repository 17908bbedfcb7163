"use strict";
// The page of a report: all that is known stands in it, and its drawings beside it.

function file() {
  const list = document.querySelector("#source ol");
  const lines = told.source.map((text, i) => make("li", { id: `line${i + 1}` }, make("i", {}, String(i + 1)), text));
  for (const each of told.diagnostics) {
    const at = each.lines.length ? lines[each.lines[0][0] - 1] : null;
    if (at && each.severity !== "info") at.className = each.severity;
  }
  list.append(...lines);
  if (!lines.length) $("source").hidden = true;
}

diagram.level = (at) => {
  if (!(at in told.drawings)) return;
  diagram.show(at, document.querySelectorAll("template.drawing")[at].content.querySelector("svg").cloneNode(true));
};

tell(JSON.parse($("data").textContent));
document.querySelector("h1").textContent = told.model + (told.file ? ` — ${told.file}` : "");
theme();
head();
findings();
table.start();
table.fill();
search.start();
if (told.drawings.length) {
  diagram.start();
  diagram.level(told.level);
} else $("diagram").querySelector(".split").replaceChildren("There is nothing to draw.");
charts();
if (!told.sizes.length && !told.unsized) $("sizes").hidden = true;
if (!$("map").querySelector("figure")) $("map").hidden = true;
file();
const first = [...told.diagnostics].sort((a, b) => RANK[a.severity] - RANK[b.severity]).map(numberOf).find((at) => at in told.steps);
if (told.steps.length) choose(first ?? 0);
