/** One exchange in full, as a browser's network panel shows it. */
import { useEffect, useState } from "preact/hooks";
import type { Step } from "./facts";
import { bytes, clock, duration, prettyJson } from "./format";
import { ConnectionLink, Copy, Filter, PacketLink } from "./parts";
import { Sequence } from "./sequence";
import { StatusWord } from "./table";
import { useCase } from "./view";
import { Waterfall } from "./waterfall";

const TABS = ["Headers", "Body", "Timing", "Raw", "Packets"] as const;
type Tab = (typeof TABS)[number];

export function Detail({ row, close }: { row: number; close: () => void }) {
  const { report } = useCase();
  const [tab, setTab] = useState<Tab>("Headers");
  const id = report.id(row), connection = report.connection(row);
  const onKey = (event: KeyboardEvent) => {
    const at = TABS.indexOf(tab), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const next = TABS[(at + step + TABS.length) % TABS.length]!;
      setTab(next);
      requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
      event.preventDefault();
    }
  };
  return (
    <aside class="card detail" id="detail" tabindex={-1} aria-label={`Exchange ${id}`} onKeyDown={(event) => { if (event.key === "Escape") close(); }}>
      <header>
        <div>
          <h3>Exchange {id} <StatusWord row={row} /></h3>
          <p class="request-line"><b>{report.text(row, "method")}</b> {report.text(row, "target")}</p>
        </div>
        <button type="button" class="close-button" onClick={close} aria-label="Close the details">{"\u2715"}</button>
      </header>
      <ul class="chips">
        {connection && <li><ConnectionLink id={connection.id} /></li>}
        {report.findings(row).map((index) => <li><a class="ref bad" href={`#finding-${index + 1}`}>{report.facts.findings[index]!.code}</a></li>)}
      </ul>
      <div role="tablist" aria-label="Parts of the exchange" class="tabs" onKeyDown={onKey}>
        {TABS.map((name) => <button type="button" role="tab" id={`tab-${name}`} aria-selected={tab === name} aria-controls="tab-panel" tabindex={tab === name ? 0 : -1} onClick={() => setTab(name)}>{name}</button>)}
      </div>
      <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${tab}`} tabindex={0} class="panel">
        {tab === "Headers" && <Headers row={row} />}
        {tab === "Body" && <Bodies row={row} key={id} />}
        {tab === "Timing" && <Timing row={row} />}
        {tab === "Raw" && <Raw row={row} />}
        {tab === "Packets" && <Packets row={row} />}
      </div>
    </aside>
  );
}

function Headers({ row }: { row: number }) {
  const { report } = useCase();
  const more = report.facts.exchanges.more[report.id(row)], connection = report.connection(row);
  const facts: [string, string][] = [["Outcome", report.outcome(row)], ["Protocol", report.text(row, "protocol")]];
  if (report.number(row, "stream") >= 0) facts.push(["Stream", String(report.number(row, "stream"))]);
  if (connection) {
    facts.push(["Client", connection.client], ["Server", connection.name ? `${connection.server} (${connection.name})` : connection.server]);
    if (connection.tls) facts.push(["TLS", connection.tls]);
    if (connection.program) facts.push(["Program", connection.program]);
  }
  return (
    <>
      <dl class="facts">{facts.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {more?.lines && <ul class="lines">{more.lines.map((line) => <li>{line}</li>)}</ul>}
      <Fields title="Request" fields={report.headers(row, "request")} missing={report.number(row, "request_headers")} trailers={more?.request_trailers} />
      <Fields title="Response" fields={report.headers(row, "response")} missing={report.number(row, "response_headers")} trailers={more?.response_trailers} />
    </>
  );
}

function Fields({ title, fields, missing, trailers }: { title: string; fields: [string, string][] | null; missing: number; trailers?: [string, string][] }) {
  return (
    <section class="fields">
      <h4>{title}</h4>
      {fields ? <FieldList fields={fields} /> : <p class="note">{missing === -2 ? "Left out to keep this page small: plainwire show has them." : `No ${title.toLowerCase()} was seen.`}</p>}
      {trailers && <><h4>{title} trailers</h4><FieldList fields={trailers} /></>}
    </section>
  );
}
const FieldList = ({ fields }: { fields: [string, string][] }) => (
  <dl class="headers">{fields.map(([name, value]) => <div><dt>{name}</dt><dd class={value.includes("[redacted]") ? "hidden-value" : ""}>{value || "\u00a0"}</dd></div>)}</dl>
);

function Bodies({ row }: { row: number }) {
  const { report, bodies } = useCase();
  const id = report.id(row), here = report.facts.bodies[id];
  const [got, setGot] = useState<[string | null, string | null] | null>(here ?? null), [state, setState] = useState(bodies && !here ? "asking" : "");
  useEffect(() => {
    if (here || !bodies) return;
    let gone = false;
    bodies(id).then((found) => { if (!gone) { setGot(found); setState(""); } }, () => { if (!gone) setState("The body could not be had."); });
    return () => { gone = true; };
  }, [id]);
  if (state) return <p class="note" aria-live="polite">{state === "asking" ? "Reading the packets \u2026" : state}</p>;
  if (!got) {
    const sizes = [report.number(row, "up"), report.number(row, "down")];
    const some = sizes.some((size) => size > 0);
    return <p class="note">{some ? <>This page holds no bodies ({bytes(sizes[0]!)} sent, {bytes(sizes[1]!)} received). <code>plainwire ui CASE</code> and <code>plainwire show CASE {id} --body</code> show them.</> : "Neither message has a body."}</p>;
  }
  return <>{(["Request", "Response"] as const).map((title, side) => <Body title={title} text={got[side]!} size={report.number(row, side ? "down" : "up")} />)}</>;
}

function Body({ title, text, size }: { title: string; text: string | null; size: number }) {
  const pretty = text === null ? null : prettyJson(text);
  const [plain, setPlain] = useState(false);
  return (
    <section class="fields">
      <h4>{title} body <span class="note">{size > 0 ? bytes(size) : ""}</span>
        {pretty && <button type="button" class="quiet" aria-pressed={plain} onClick={() => setPlain(!plain)}>{plain ? "Pretty" : "As it was"}</button>}
        {text && <Copy text={text} />}</h4>
      {text ? <pre tabindex={0}>{pretty && !plain ? pretty : text}</pre> : <p class="note">None.</p>}
    </section>
  );
}

function Timing({ row }: { row: number }) {
  const { report } = useCase();
  const idle = report.number(row, "idle");
  const facts: [string, string][] = [["Began", `${clock(report.facts.base + report.number(row, "time"))} UTC`]];
  if (idle >= 0) facts.push(["Connection idle before", duration(idle)]);
  facts.push(["On its connection", `exchange ${report.number(row, "ordinal")}`]);
  return (
    <>
      <Waterfall phases={report.phases(row)} answered={report.number(row, "first") >= 0} />
      <dl class="facts">{facts.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </>
  );
}

function Raw({ row }: { row: number }) {
  const { report } = useCase();
  const lines = (fields: [string, string][] | null) => fields?.map(([name, value]) => `${name}: ${value}`).join("\n") ?? "";
  const version = report.text(row, "version"), response = report.number(row, "status") > 0;
  const request = report.text(row, "method") ? `${report.text(row, "method")} ${report.text(row, "target")} ${version}\n${lines(report.headers(row, "request"))}` : null;
  const answer = response ? `${version} ${report.number(row, "status")} ${report.text(row, "reason")}\n${lines(report.headers(row, "response"))}` : null;
  const body = report.facts.bodies[report.id(row)];
  const whole = (head: string | null, text: string | null | undefined) => (head === null ? null : text ? `${head}\n\n${text}` : head);
  return (
    <>
      {([["Request", whole(request, body?.[0])], ["Response", whole(answer, body?.[1])]] as const).map(([title, text]) => (
        <section class="fields"><h4>{title} {text && <Copy text={text} />}</h4>{text ? <pre tabindex={0}>{text}</pre> : <p class="note">No {title.toLowerCase()} was seen.</p>}</section>
      ))}
      <p class="note">Secrets are hidden, characters that steer a terminal written out.</p>
    </>
  );
}

function Packets({ row }: { row: number }) {
  const { report } = useCase();
  const id = report.id(row), connection = report.connection(row);
  const diagram = report.facts.findings.flatMap((finding) => finding.diagrams).find((each) => each.exchange === id);
  const known: [number, string][] = [
    [report.number(row, "packet"), "first byte of the request"], [report.number(row, "sent_packet"), "last byte of the request"],
    [report.number(row, "first_packet"), "first byte of the response"], [report.number(row, "last_packet"), "last byte of the response"],
  ];
  const closes = connection?.closes ?? [];
  const last = Math.max(...known.map(([packet]) => packet), connection?.packets[2] ?? 0);
  const ports = connection && connection.transport === "tcp" ? [connection.client, connection.server].map((end) => end.slice(end.lastIndexOf(":") + 1)) : null;
  return (
    <>
      {diagram && <Sequence diagram={diagram} title={`Exchange ${id}`} />}
      <table>
        <thead><tr><th scope="col">Packet</th><th scope="col">What it holds</th></tr></thead>
        <tbody>
          {known.filter(([packet]) => packet > 0).map(([packet, says]) => <tr><td class="n"><PacketLink id={packet} /></td><td>{says}</td></tr>)}
          {closes.map(([packet, , side, kind, detail]) => <tr><td class="n"><PacketLink id={packet} /></td><td>{kind.replaceAll("_", " ")} {detail} from the {side}</td></tr>)}
        </tbody>
      </table>
      <h4>In Wireshark</h4>
      <Filter text={ports ? `tcp.port == ${ports[0]} && tcp.port == ${ports[1]}` : `frame.number >= ${report.number(row, "packet")} && frame.number <= ${last}`} />
      {connection && <ul class="lines">{connection.more.map((line) => <li>{line}</li>)}</ul>}
    </>
  );
}

/** What is known of a packet that some diagram of the report holds. */
export function stepOf(report: { facts: { findings: { diagrams: { steps: Step[] }[] }[] } }, packet: number): Step | undefined {
  for (const finding of report.facts.findings) for (const diagram of finding.diagrams) {
    const step = diagram.steps.find((each) => each.packet === packet && !each.skipped);
    if (step) return step;
  }
  return undefined;
}
