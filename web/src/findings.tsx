/** The findings: what happened, how sure, what to do, and the picture. */
import { useState } from "preact/hooks";
import type { Finding } from "./facts";
import { count } from "./format";
import { ConnectionLink, ExchangeLink, Filter, Glyph, PacketLink, Section } from "./parts";
import { Sequence } from "./sequence";
import { useCase } from "./view";

const FEW = 12;
const FAULT: Record<string, string> = {
  server: "Server", client: "Client", both: "Nobody broke the rules", path: "Network path", unknown: "Not known",
};
const SURE: Record<string, string> = { proved: "Proved", likely: "Likely", possible: "Possible" };

export function Findings() {
  const { report } = useCase();
  const { findings } = report.facts;
  return (
    <Section id="findings" title={findings.length === 1 ? "1 finding" : `${findings.length} findings`}>
      {findings.map((finding, index) => <FindingCard finding={finding} number={index + 1} />)}
    </Section>
  );
}

function FindingCard({ finding, number }: { finding: Finding; number: number }) {
  const { chosen } = useCase();
  const exchanges = useShort(finding.exchanges), connections = useShort(finding.exchanges.length ? [] : finding.connections);
  const settings = (side: string) => finding.settings.filter(([of]) => of === side);
  const packets = [...new Set(finding.evidence.map(([packet]) => packet))];
  return (
    <article class={`finding${chosen.finding === number ? " chosen" : ""}`} id={`finding-${number}`} aria-labelledby={`finding-${number}-title`} tabindex={-1}>
      <header>
        <h3 id={`finding-${number}-title`}><span class="ordinal">{number}</span>{finding.code}</h3>
        <ul class="chips" aria-label="Judgement">
          <li class={`chip ${finding.certainty}`}><Glyph name={finding.certainty as "proved"} />{SURE[finding.certainty] ?? finding.certainty}</li>
          <li class="chip"><span class="chip-name">Blame</span>{FAULT[finding.fault] ?? finding.fault}</li>
          {finding.exchanges.length > 0 && <li class="chip"><span class="chip-name">{finding.failure ? "Failed" : "Requests"}</span>{finding.exchanges.length}</li>}
        </ul>
      </header>
      <p class="cause">{finding.cause}</p>
      <p class="claim">{[finding.share && `${finding.share} to ${finding.place}${finding.whose ? ` ${finding.whose}` : ""}.`, finding.facts].filter(Boolean).join(" ")}</p>
      <div class="advice">
        {(["client", "server"] as const).map((side, index) => finding.advice[index] && (
          <div>
            <h4>{side === "client" ? "On the client's side" : "On the server's side"}</h4>
            <p>{finding.advice[index]}</p>
            {settings(side).map(([, says, source]) => <p class="setting">{says} <small>{source}</small></p>)}
          </div>
        ))}
        {finding.retry && <div><h4>Retry</h4><p>{finding.retry}</p></div>}
      </div>
      {finding.diagrams.map((diagram) => (
        <Sequence diagram={diagram} title={diagram.exchange === null ? `Connection ${diagram.connection}` : `Exchange ${diagram.exchange} on connection ${diagram.connection}`} />
      ))}
      <details class="grounds" open={finding.diagrams.length === 0}>
        <summary>Evidence: {count(packets.length, "packet")}</summary>
        <table>
          <thead><tr><th scope="col">Packet</th><th scope="col">What it shows</th></tr></thead>
          <tbody>{finding.evidence.map(([packet, says]) => <tr><td class="n"><PacketLink id={packet} /></td><td>{says}</td></tr>)}</tbody>
        </table>
        {packets.length > 0 && <Filter text={`frame.number in {${packets.slice(0, 40).join(",")}}`} />}
      </details>
      <dl class="reasons">
        <div><dt>Who</dt><dd>{finding.who}</dd></div>
        <div><dt>How sure</dt><dd>{finding.sure}</dd></div>
        {finding.program_says && <div><dt>The program said</dt><dd>{finding.program_says}</dd></div>}
        {finding.quotes.map(([packet, what, text]) => <div><dt>Quoted</dt><dd>{what}: <q>{text}</q> (packet <PacketLink id={packet} />)</dd></div>)}
        {finding.runner_up && <div><dt>Ruled out</dt><dd>{finding.runner_up}</dd></div>}
        <div><dt>Would refute it</dt><dd>{finding.refuted_by}</dd></div>
        {exchanges.shown.length > 0 && <div><dt>Exchanges</dt><dd class="links">{exchanges.shown.map((id) => <ExchangeLink id={id} />)}{exchanges.more}</dd></div>}
        {connections.shown.length > 0 && <div><dt>Connections</dt><dd class="links">{connections.shown.map((id) => <ConnectionLink id={id} />)}{connections.more}</dd></div>}
        {finding.references.length > 0 && <div><dt>References</dt><dd>{finding.references.join(", ")}</dd></div>}
      </dl>
    </article>
  );
}

/** The first few of a list, and a button for the others. */
function useShort(ids: number[]) {
  const [most, setMost] = useState(FEW);
  const left = ids.length - most;
  return {
    shown: ids.slice(0, most),
    more: left > 0 && <button type="button" class="quiet" onClick={() => setMost(most + 200)}>and {left} more</button>,
  };
}
