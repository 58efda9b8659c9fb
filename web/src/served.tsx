/** The page when `plainwire ui` serves it: one case or several, bodies on request, growing while a program runs. */
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { App } from "./app";
import { Report, type Facts } from "./facts";
import { count, duration } from "./format";
import { Glyph } from "./parts";

export interface Welcome { served: number; cases: string[]; live: boolean }
interface Progress { version: number; running: boolean; packets: number; note: string }

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path, { credentials: "omit", cache: "no-store" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()) as T;
}

export function Served({ welcome }: { welcome: Welcome }) {
  const [current, setCurrent] = useState(welcome.cases.length > 1 ? -1 : 0);
  const [reports, setReports] = useState<Record<number, Report>>({});
  const [trouble, setTrouble] = useState("");
  const [progress, setProgress] = useState<Progress | null>(null);
  const load = useCallback(async (number: number) => {
    try {
      const facts = await get<Facts>(`cases/${number}`);
      setReports((known) => ({ ...known, [number]: new Report(facts) }));
      setTrouble("");
    } catch (error) { setTrouble(`The case could not be read (${error instanceof Error ? error.message : "no connection"}).`); }
  }, []);
  useEffect(() => { if (!welcome.live) welcome.cases.forEach((_, number) => void load(number)); }, []);
  useEffect(() => {
    if (!welcome.live) return;
    const source = new EventSource("events");
    source.onmessage = (event) => {
      const said = JSON.parse(event.data as string) as Progress;
      setProgress((before) => {
        if (said.version > (before?.version ?? 0)) void load(0);
        return said;
      });
      if (!said.running && said.note !== "") source.close();
    };
    return () => source.close();
  }, []);
  const bodies = useMemo(() => (id: number) => get<[string | null, string | null]>(`cases/${Math.max(0, current)}/bodies/${id}`), [current]);
  const report = reports[current];
  const several = welcome.cases.length > 1 && (
    <nav class="cases" aria-label="Cases">
      <button type="button" aria-pressed={current < 0} onClick={() => setCurrent(-1)}>Side by side</button>
      {welcome.cases.map((name, number) => <button type="button" aria-pressed={current === number} onClick={() => setCurrent(number)}>{name}</button>)}
    </nav>
  );
  const live = welcome.live && (
    <p class={`live${progress?.running ? " running" : ""}`} role="status"><i aria-hidden="true" />
      {progress ? `${progress.running ? "The program is running" : "The program has ended"}: ${count(progress.packets, "packet")}${progress.note ? `. ${progress.note}` : ""}` : "Waiting for the program \u2026"}</p>
  );
  if (current < 0) {
    return <main class="served">{several}<SideBySide names={welcome.cases} reports={reports} open={setCurrent} />{trouble && <p class="note">{trouble}</p>}</main>;
  }
  if (!report) return <main class="served">{several}{live}<p class="note" role="status">{trouble || (welcome.live ? "No traffic yet." : "Reading the packets \u2026")}</p></main>;
  return <App key={welcome.live ? "live" : current} report={report} bodies={bodies} above={<>{several}{live}{trouble && <p class="note">{trouble}</p>}</>} />;
}

const TONES = { bad: "failed", open: "open", good: "good" } as const;

function SideBySide({ names, reports, open }: { names: string[]; reports: Record<number, Report>; open: (number: number) => void }) {
  const codes = useMemo(() => [...new Set(Object.values(reports).flatMap((report) => report.facts.findings.map((finding) => finding.code)))].sort(), [reports]);
  const each = (cell: (report: Report) => preact.ComponentChildren) => names.map((_, number) => <td>{reports[number] ? cell(reports[number]) : "\u2026"}</td>);
  const failed = (report: Report) => report.facts.exchanges.columns.failed.reduce((sum, one) => sum + one, 0);
  return (
    <>
      <h1>{count(names.length, "case")} side by side</h1>
      <div class="card beside" tabindex={0} role="region" aria-label="Cases side by side">
        <table>
          <thead><tr><th scope="col"><span class="sr">What</span></th>{names.map((name, number) => <th scope="col"><button type="button" class="quiet" onClick={() => open(number)}>{name}</button></th>)}</tr></thead>
          <tbody>
            <tr><th scope="row">Verdict</th>{each((r) => <span class={`tone ${r.facts.tone}`}><Glyph name={TONES[r.facts.tone]} /> {r.facts.headline.replace(/^plainwire: /, "")}</span>)}</tr>
            <tr><th scope="row">Exchanges</th>{each((r) => r.facts.total.toLocaleString("en"))}</tr>
            <tr><th scope="row">Failed</th>{each((r) => failed(r).toLocaleString("en"))}</tr>
            <tr><th scope="row">Connections</th>{each((r) => r.facts.connections.length.toLocaleString("en"))}</tr>
            <tr><th scope="row">Lasted</th>{each((r) => { const [low, high] = r.span(); return duration(high - low); })}</tr>
            <tr><th scope="row">Longest idle time</th>{each((r) => duration(r.facts.exchanges.columns.idle.reduce((most, idle) => Math.max(most, idle), 0)))}</tr>
            {codes.map((code) => <tr><th scope="row">{code}</th>{each((r) => {
              const finding = r.facts.findings.find((found) => found.code === code);
              return finding ? `${finding.exchanges.length || "found"} (${finding.certainty})` : "\u2013";
            })}</tr>)}
            {["Command", "When", "Versions"].map((name) => <tr><th scope="row">{name}</th>{each((r) => r.facts.identity.find(([known]) => known === name)?.[1] ?? "\u2013")}</tr>)}
          </tbody>
        </table>
      </div>
    </>
  );
}
