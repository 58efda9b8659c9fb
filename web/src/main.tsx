/**
 * Where the page begins: its facts stand in the page, or come from `plainwire ui`. Of very many exchanges the first
 * ones stand ahead of this program, and are shown while the browser still reads the rest.
 */
import { render } from "preact";
import { App } from "./app";
import { Report, type Facts } from "./facts";
import { Served, type Welcome } from "./served";

const place = document.getElementById("app")!;
let shown = false;

function read<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  try { return text ? (JSON.parse(text) as T) : null; } catch { return null; }
}

function show(facts: Facts | Welcome) {
  if (!shown) place.textContent = "";
  shown = true;
  render("page" in facts ? <App report={new Report(facts)} /> : <Served welcome={facts} />, place);
}

const first = read<Facts>("first");
// An address may lead to what is not among the first.
if (first && !location.hash) show(first);

function whole() {
  const facts = read<Facts | Welcome>("facts");
  if (facts) show(facts);
  else if (first) show({ ...first, partial: "cut" });
  document.documentElement.dataset.ready = "true";
}
if (document.readyState === "loading") addEventListener("DOMContentLoaded", whole);
else whole();
