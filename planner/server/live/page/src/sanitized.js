// Text of the language server as HTML without anything that acts: it holds names from the model file.

const KEPT = new Set("A B BLOCKQUOTE BR CODE EM H1 H2 H3 H4 HR I LI OL P PRE SPAN STRONG TABLE TBODY TD TH THEAD TR UL".split(" "));

export function sanitized(html) {
  const found = new DOMParser().parseFromString(html, "text/html");
  for (const each of [...found.body.querySelectorAll("*")]) {
    if (!KEPT.has(each.tagName)) {
      each.replaceWith(found.createTextNode(each.outerHTML));
      continue;
    }
    for (const { name, value } of [...each.attributes]) {
      if (name !== "class" && !(name === "href" && /^https?:/.test(value))) each.removeAttribute(name);
    }
    if (each.tagName === "A") Object.assign(each, { target: "_blank", rel: "noreferrer" });
  }
  return found.body.innerHTML;
}
