// Bundles the page's script, with the licences of all that is in it.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const sources = [...readdirSync("src").sort().map((name) => `src/${name}`), "package-lock.json"];
const hash = createHash("sha256");
for (const each of sources) hash.update(readFileSync(each));

const { metafile } = await build({
  entryPoints: ["src/main.js"],
  outfile: "built/live.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Made of src/ by `make page`; the licences of the packages in it stand in LICENSES.txt. " + hash.digest("hex") + " */" },
  metafile: true,
});

const packages = new Set(Object.keys(metafile.inputs).flatMap((file) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []));
const told = [...packages].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[sc]e/i.test(each));
  if (!file) throw new Error(`${name} has no file with its licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
writeFileSync("built/LICENSES.txt", `The packages in live.js, with their licences.\n\n${told.join(`\n${"-".repeat(80)}\n\n`)}`);
