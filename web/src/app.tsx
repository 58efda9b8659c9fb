/** The whole page of one case. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { stepOf } from "./detail";
import type { Report } from "./facts";
import { Findings } from "./findings";
import { Idle } from "./idle";
import { Lanes } from "./lanes";
import { Filter, Glyph, Lines, Section } from "./parts";
import { Exchanges } from "./table";
import { Theme } from "./theme";
import { CaseContext, type Case, NOTHING, fromAddress } from "./view";
import type { ComponentChildren } from "preact";

export function App({ report, bodies, above }: { report: Report; bodies?: Case["bodies"]; above?: ComponentChildren }) {
  const [chosen, setChosen] = useState(() => fromAddress(location.hash));
  useEffect(() => {
    const onHash = () => setChosen(fromAddress(location.hash));
    addEventListener("hashchange", onHash);
    // A link to where one is already must lead there too.
    const onClick = (event: MouseEvent) => {
      const link = (event.target as Element).closest?.("a[href^='#']");
      if (link && link.getAttribute("href") === location.hash) setChosen({ ...fromAddress(location.hash) });
    };
    addEventListener("click", onClick);
    return () => { removeEventListener("hashchange", onHash); removeEventListener("click", onClick); };
  }, []);
  useEffect(() => {
    if (chosen.finding !== null) {
      const card = document.getElementById(`finding-${chosen.finding}`);
      card?.scrollIntoView({ block: "start" });
      card?.focus({ preventScroll: true });
    }
  }, [chosen]);
  const shared = useMemo<Case>(() => ({ report, chosen: chosen ?? NOTHING, bodies }), [report, chosen, bodies]);
  const { facts } = report;
  const sections: [string, string][] = [];
  if (facts.findings.length) sections.push(["findings", "Findings"]);
  if (facts.connections.length) sections.push(["connections", "Connections"]);
  if (report.rows) sections.push(["idle", "Idle time"], ["exchanges", "Exchanges"]);
  sections.push(["background", "Background"]);
  return (
    <CaseContext.Provider value={shared}>
      <a class="skip" href="#exchanges">Skip to the exchanges</a>
      <header class="top">
        <span class="brand"><svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M2 12h6l2.5-6 3 12 2.500-6h6" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round" /></svg>plainwire</span>
        <nav aria-label="Parts of the page">{sections.map(([id, title]) => <a href={`#${id}`}>{title}</a>)}</nav>
        <Theme />
      </header>
      <main>
        {above}
        <Verdict report={report} />
        {facts.findings.length > 0 && <Findings />}
        {facts.connections.length > 0 && <Lanes />}
        {report.rows > 0 && <Idle />}
        {report.rows > 0 && <Exchanges />}
        <Background report={report} />
      </main>
      <PacketNote report={report} packet={chosen.packet} />
      <footer><p>Made by plainwire. Packet numbers are those that Wireshark shows for the capture. Secrets are hidden; the packets of the case still hold them.</p></footer>
    </CaseContext.Provider>
  );
}

function Verdict({ report }: { report: Report }) {
  const { facts } = report;
  const words = facts.headline.replace(/^plainwire: /, "");
  const tone = { bad: "failed", open: "open", good: "good" } as const;
  return (
    <section class={`verdict ${facts.tone}`} aria-label="Verdict">
      <div class="verdict-line">
        <span class="badge"><Glyph name={tone[facts.tone]} /></span>
        <div>
          <h1>{words.charAt(0).toUpperCase() + words.slice(1)}</h1>
          {facts.findings.length > 0 && <ol class="causes">{facts.findings.slice(0, 6).map((finding, index) => (
            <li><a href={`#finding-${index + 1}`}>{finding.code}</a> <span>{[finding.share, finding.certainty].filter(Boolean).join(", ")}</span>
              <p>{finding.cause}</p>{finding.fix && <p class="fix"><b>Fix</b> {finding.fix}</p>}</li>
          ))}{facts.findings.length > 6 && <li>and {facts.findings.length - 6} more</li>}</ol>}
        </div>
      </div>
      {facts.missing.length > 0 && <div class="missing"><h2>Not seen</h2><Lines lines={facts.missing} /></div>}
      <dl class="identity">{facts.identity.map(([name, value]) => <div class={name === "Command" ? "wide" : ""}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  );
}

function Background({ report }: { report: Report }) {
  const { facts } = report;
  const parts: [string, string[]][] = [
    ["What the failures have in common", facts.common], ["The program's side", facts.program],
    ...facts.servers.filter((server) => server.lines.length).slice(0, 20).map((server): [string, string[]] => [`The server ${server.address}`, server.lines]),
    ["Also", facts.remarks],
  ];
  const told = parts.filter(([, lines]) => lines.length);
  return (
    <Section id="background" title="Background">
      {told.length ? <div class="columns">{told.map(([title, lines]) => <div class="card"><h3>{title}</h3><Lines lines={lines} /></div>)}</div> : <p class="note">Nothing further is known.</p>}
    </Section>
  );
}

/** Where a link leads to a packet that no picture holds: what to type into Wireshark. */
function PacketNote({ report, packet }: { report: Report; packet: number | null }) {
  const [gone, setGone] = useState<number | null>(null);
  const step = packet === null ? undefined : stepOf(report, packet);
  useEffect(() => {
    if (packet === null) return;
    setGone(null);
    document.querySelector(".arrow.chosen")?.scrollIntoView({ block: "nearest" });
  }, [packet]);
  if (packet === null || gone === packet) return null;
  return (
    <div class="packet-note card" role="status">
      <span><b>Packet {packet}</b>{step ? `: ${step.label} from the ${step.from}` : ""}</span>
      <Filter text={`frame.number == ${packet}`} />
      <button type="button" class="close-button" onClick={() => setGone(packet)} aria-label="Close">{"\u2715"}</button>
    </div>
  );
}
