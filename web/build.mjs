// Bundles the page's program and style into the package: `npm run build`. With --check: nothing is written, and the
// exit status is 1 where what is in the package is not what these sources give.
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const TARGET = new URL("../src/plainwire/report/page/", import.meta.url);
const LICENCES = ["preact", "@tanstack/virtual-core", "d3-scale", "d3-array", "d3-color", "d3-format",
  "d3-interpolate", "d3-time", "d3-time-format", "internmap"];

async function licences() {
  const parts = [];
  for (const name of LICENCES) {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const { version, license } = JSON.parse(await readFile(new URL("package.json", folder), "utf8"));
    const text = await readFile(new URL("LICENSE", folder), "utf8");
    parts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return `app.js holds parts of these packages.\n\n${parts.join("\n----\n\n")}`;
}

const bundled = await build({
  entryPoints: ["src/main.tsx", "src/style.css"],
  absWorkingDir: new URL(".", import.meta.url).pathname,
  outdir: "out",
  bundle: true,
  minify: true,
  write: false,
  charset: "ascii",
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
});
const files = { "app.licences.txt": await licences() };
for (const file of bundled.outputFiles) {
  const name = file.path.endsWith(".css") ? "app.css" : "app.js";
  files[name] = file.text.trimEnd().replaceAll("</", "<\\/");
}
let stale = 0;
for (const [name, text] of Object.entries(files)) {
  const url = new URL(name, TARGET);
  if (!process.argv.includes("--check")) await writeFile(url, text);
  else if ((await readFile(url, "utf8").catch(() => "")) !== text) {
    console.error(`${name} is not what web/ gives: run make page`);
    stale = 1;
  }
}
process.exitCode = stale;
