/** The phases of one exchange, as bars. */
import type { Phase } from "./facts";
import { duration } from "./format";
import { useWidth } from "./hooks";

const WORDS: Record<Phase["name"], string> = {
  DNS: "DNS lookup", Connect: "TCP connect", TLS: "TLS handshake", Blocked: "Until the request", Send: "Sending", Wait: "Waiting", Receive: "Receiving",
};

export function Waterfall({ phases, answered }: { phases: Phase[]; answered: boolean }) {
  const [ref, outer] = useWidth<HTMLDivElement>();
  if (!phases.length) return null;
  const low = phases[0]!.from, high = Math.max(...phases.map((p) => p.to)), width = Math.max(60, outer - 230);
  const x = (at: number) => ((at - low) / Math.max(1, high - low)) * width;
  return (
    <div ref={ref as never} class="waterfall">
      <table>
        <thead class="sr"><tr><th scope="col">Phase</th><th scope="col">Course</th><th scope="col">Took</th></tr></thead>
        <tbody>
          {phases.map((phase) => (
            <tr>
              <th scope="row">{phase.name === "Wait" && !answered ? "Waiting, in vain" : WORDS[phase.name]}</th>
              <td><svg width={width} height={16} aria-hidden="true"><line class="grid" x1={0} x2={width} y1={8} y2={8} />
                <rect class={`phase ${phase.name}`} x={x(phase.from)} y={2} width={Math.max(2, x(phase.to) - x(phase.from))} height={12} rx={2} /></svg></td>
              <td class="n">{duration(phase.to - phase.from)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot><tr><th scope="row">In all</th><td /><td class="n">{duration(high - low)}</td></tr></tfoot>
      </table>
    </div>
  );
}

/** The same in one line of the table, on the time axis of the whole report. */
export function MiniWaterfall({ phases, span, width }: { phases: Phase[]; span: readonly [number, number]; width: number }) {
  const x = (at: number) => ((at - span[0]) / (span[1] - span[0])) * (width - 3);
  return (
    <svg width={width} height={14} aria-hidden="true">
      {phases.map((phase) => <rect class={`phase ${phase.name}`} x={x(phase.from)} y={3} width={Math.max(phase.name === "Wait" ? 3 : 1, x(phase.to) - x(phase.from))} height={8} />)}
    </svg>
  );
}
