/** Where the page begins: its facts stand in the page, or come from `plainwire ui`. */
import { render } from "preact";
import { App } from "./app";
import { Report, type Facts } from "./facts";
import { Served, type Welcome } from "./served";

const place = document.getElementById("app")!;
const facts = JSON.parse(document.getElementById("facts")!.textContent!) as Facts | Welcome;
place.textContent = "";
render("page" in facts ? <App report={new Report(facts)} /> : <Served welcome={facts} />, place);
document.documentElement.dataset.ready = "true";
