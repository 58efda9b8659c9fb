/** The sequence diagram: who sent what to whom, and what had reached the other side by then.
 *
 * Both lifelines run down. A packet leaves its sender half a round trip before it reaches the other side, as far as
 * the handshake's round trip tells, so that packets which crossed cross in the picture. Time is not to scale: long
 * pauses are short, and labelled.
 */
import { useState } from "preact/hooks";
import type { Diagram, Step } from "./facts";
import { clock, count, duration, wrapped } from "./format";
import { useWidth } from "./hooks";
import { Filter } from "./parts";
import { go, useCase } from "./view";

interface Placed { step: Step; y0: number; y1: number; number: number; timed: boolean }
interface Said { y: number; label: string; text: string }
interface Layout { placed: Placed[]; said: Said[]; pauses: { y: number; us: number }[]; height: number; zero: number }

const TOP = 44;
/** Pauses that are named: longer than this, and than a round trip and a half, which any answer takes. */
const PAUSE = 40_000;

function layout(diagram: Diagram): Layout {
  const half = (diagram.rtt ?? 0) / 2;
  type Moment = { at: number; start: boolean; place: number; said?: boolean };
  const moments: Moment[] = [];
  diagram.steps.forEach((step, place) => {
    const start = step.from === "server" ? step.time - half : step.from === "path" ? step.time - half / 2 : step.time;
    const end = step.from === "client" ? step.time + half : step.time;
    moments.push({ at: step.skipped ? step.time : start, start: true, place });
    if (!step.skipped) moments.push({ at: end, start: false, place });
  });
  diagram.said.forEach((said, place) => { if (said.time !== null) moments.push({ at: said.time, start: true, place, said: true }); });
  moments.sort((a, b) => a.at - b.at || Number(a.start) - Number(b.start) || a.place - b.place);
  const placed: Placed[] = diagram.steps.map((step, number) => ({ step, number, y0: 0, y1: 0, timed: false }));
  const saidAt: Said[] = [], pauses: { y: number; us: number }[] = [];
  let y = TOP, before: number | null = null, lastStart = TOP - 26, tall = 0;
  for (const moment of moments) {
    const gap: number = before === null ? 0 : moment.at - before;
    const step = gap > 0 ? Math.min(60, 4 + 10 * Math.log10(1 + gap / 200)) : 0;
    const from = y;
    y += step;
    if (moment.start) { y = Math.max(y, lastStart + 27 + tall); lastStart = y; tall = 0; }
    if (gap >= Math.max(PAUSE, half * 3) && y - from >= 22) pauses.push({ y: (from + y) / 2, us: gap });
    if (moment.said) {
      const said = diagram.said[moment.place]!;
      saidAt.push({ y, label: said.label, text: said.text });
      tall = 6;
    } else {
      const at = placed[moment.place]!;
      if (moment.start) { at.y0 = y; at.y1 = y; } else at.y1 = Math.max(y, at.y0);
    }
    before = moment.at;
  }
  // Times stand at the client's end, those that matter first, and none upon another.
  const rank = (at: Placed) => (at.step.says ? 0 : at.step.kind === "ack" || at.step.kind === "data" ? 2 : 1), taken = pauses.map((pause) => pause.y);
  for (const at of [...placed].sort((a, b) => rank(a) - rank(b) || a.number - b.number)) {
    const end = at.step.from === "client" ? at.y0 : at.y1;
    at.timed = !at.step.skipped && taken.every((other) => Math.abs(other - end) >= 14);
    if (at.timed) taken.push(end);
  }
  const request = diagram.steps.filter((step) => step.kind === "request");
  const zero = (request[request.length - 1] ?? diagram.steps[0])?.time ?? 0;
  return { placed, said: saidAt, pauses, height: y + 34, zero };
}

export function Sequence({ diagram, title }: { diagram: Diagram; title: string }) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const { chosen } = useCase();
  const [picked, setPicked] = useState<number | null>(null);
  const made = layout(diagram), wide = width >= 860;
  const left = width < 480 ? 12 : 92, right = wide ? Math.min(width * 0.6, 700) : width - 16, path = diagram.steps.some((s) => s.from === "path");
  const middle = (left + right) / 2;
  const decides = diagram.steps.findIndex((step) => step.says && step.kind === "close");
  const current = chosen.packet !== null && diagram.steps.some((s) => s.packet === chosen.packet) ? chosen.packet
    : picked ?? diagram.steps[decides >= 0 ? decides : diagram.steps.findIndex((s) => s.says)]?.packet ?? null;
  const step = diagram.steps.find((s) => s.packet === current && !s.skipped);
  const pick = (packet: number) => { setPicked(packet); go("packet", packet); };
  const notes = wide ? annotations(made, right, width) : [];
  const height = Math.max(made.height, ...notes.map((note) => note.y + note.lines.length * 16 + 12));
  return (
    <figure class="sequence" ref={ref as never}>
      <figcaption>{title}</figcaption>
      {width > 0 && (
        <svg width={width} height={height} role="group" aria-label={`Sequence diagram: ${title}`}>
          {[["Client", left, "start"], ...(path ? [["Path", middle, "middle"]] : []), ["Server", right, "end"]].map(([name, x, anchor]) => (
            <g class="actor">
              <line x1={x} x2={x} y1={28} y2={made.height - 6} />
              <rect x={anchor === "start" ? Number(x) - 8 : anchor === "end" ? Number(x) - 56 : Number(x) - 32} y={4} width={64} height={22} rx={4} />
              <text x={anchor === "start" ? Number(x) + 24 : anchor === "end" ? Number(x) - 24 : x} y={19} text-anchor="middle">{name}</text>
            </g>
          ))}
          {made.pauses.map((pause) => (
            <g class="pause"><text x={left + 8} y={pause.y + 4}>{`\u2195 ${duration(pause.us)}`}</text></g>
          ))}
          {made.placed.map((at) => <Arrow key={at.number} at={at} left={left} right={right} middle={middle} zero={made.zero}
            chosen={at.step.packet === current} pick={pick} />)}
          {made.placed.map((at) => <Label key={at.number} at={at} left={left} right={right} middle={middle} zero={made.zero} narrow={width < 560} />)}
          {made.said.map((said) => (
            <g class="said">
              <title>{said.text}</title>
              <line x1={left} x2={right} y1={said.y} y2={said.y} />
              <path d={`M${left} ${said.y - 6}l6 6l-6 6l-6 -6z`} />
              <text x={left + 12} y={said.y - 5}>program: {said.label}</text>
            </g>
          ))}
          {notes.map((note) => (
            <g class="annotation">
              <path d={`M${right + 4} ${note.to}L${right + 18} ${note.y}`} />
              <text x={right + 24} y={note.y + 4}>{note.lines.map((line, i) => <tspan x={right + 24} dy={i ? 16 : 0}>{line}</tspan>)}</text>
            </g>
          ))}
        </svg>
      )}
      {step && <PacketFacts step={step} />}
      <p class="note">
        {diagram.rtt ? `The server's side is drawn half a round trip (${duration(diagram.rtt / 2)}) away, as the TCP handshake measured it. ` : ""}
        Pauses are not to scale. Numbers are packets of the capture.
      </p>
    </figure>
  );
}

function annotations(made: Layout, right: number, width: number) {
  const most = Math.max(16, Math.floor((width - right - 30) / 6.6));
  let free = 34;
  const told = made.placed.filter((at) => at.step.says && !at.step.skipped).map((at) => ({ at, to: at.step.from === "client" ? at.y1 : at.y0 }));
  return told.sort((a, b) => a.to - b.to).map(({ at, to }) => {
    const lines = at.step.says!.flatMap((says) => wrapped(says, most)).slice(0, 6), y = Math.max(free, to);
    free = y + lines.length * 16 + 8;
    return { to, y, lines };
  });
}

const numbersOf = (step: Step) => (step.seq === undefined ? [] : step.ack === undefined ? [`Seq ${step.seq}`] : [`Seq ${step.seq}`, `Ack ${step.ack}`]);
const startOf = (step: Step, left: number, right: number, middle: number) => (step.from === "client" ? left : step.from === "path" ? middle : right);

function Arrow({ at, left, right, middle, chosen, pick }: {
  at: Placed; left: number; right: number; middle: number; zero: number; chosen: boolean; pick: (packet: number) => void;
}) {
  const { step } = at;
  if (step.skipped) return null;
  const x0 = startOf(step, left, right, middle), x1 = step.from === "client" ? right : left;
  const angle = Math.atan2(at.y1 - at.y0, x1 - x0), head = (turn: number) =>
    `${x1 - 8 * Math.cos(angle + turn)} ${at.y1 - 8 * Math.sin(angle + turn)}`;
  const label = `packet ${step.packet}, from the ${step.from}: ${[step.label, ...numbersOf(step)].join(", ")}${step.says ? `. ${step.says.join(". ")}` : ""}`;
  return (
    <g class={`arrow ${step.kind}${step.says ? " decides" : ""}${chosen ? " chosen" : ""}`} role="button" tabindex={0} aria-label={label}
      aria-pressed={chosen} onClick={() => pick(step.packet)}
      onKeyDown={(event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(step.packet); } }}>
      <title>{label}</title>
      <path class="hit" d={`M${x0} ${at.y0}L${x1} ${at.y1}`} />
      <path class="line" d={`M${x0} ${at.y0}L${x1} ${at.y1}`} />
      <path class="head" d={`M${x1} ${at.y1}L${head(0.42)}L${head(-0.42)}Z`} />
    </g>
  );
}

/** What stands at an arrow; above all arrows, so that none runs through it. */
function Label({ at, left, right, middle, zero, narrow }: { at: Placed; left: number; right: number; middle: number; zero: number; narrow: boolean }) {
  const { step } = at;
  if (step.skipped) {
    const words = `${count(step.skipped, "more packet")}: ${count(step.bytes![0], "byte")} sent, ${count(step.bytes![1], "byte")} received`;
    return <g class="skipped"><text x={(left + right) / 2} y={at.y0 + 4} text-anchor="middle">{narrow ? count(step.skipped, "more packet") : words}</text></g>;
  }
  const client = step.from === "client", x = startOf(step, left, right, middle) + (client ? 10 : -10), when = step.time - zero;
  const numbers = step.says && step.kind !== "setup" ? numbersOf(step).slice(narrow ? -1 : 0) : [];
  const most = Math.floor((right - left) / 8) - numbers.join("  ").length - 6;
  return (
    <g class={`label ${step.kind}${step.says ? " decides" : ""}`} aria-hidden="true">
      <text x={x} y={at.y0 - 6} text-anchor={client ? "start" : "end"}>
        <tspan class="number">{step.packet}</tspan><tspan dx="6">{step.label.length > most ? `${step.label.slice(0, Math.max(4, most - 1))}\u2026` : step.label}</tspan>
        {numbers.map((words) => <tspan class={`numbers${words.startsWith("Ack") && step.kind === "close" ? " deciding" : ""}`} dx="8">{words}</tspan>)}
      </text>
      {left > 40 && at.timed && <text class="when" x={left - 12} y={(client ? at.y0 : at.y1) + 4} text-anchor="end">{when ? duration(when) : "0"}</text>}
    </g>
  );
}

const FLAGS: [number, string][] = [[2, "SYN"], [1, "FIN"], [4, "RST"], [8, "PSH"], [16, "ACK"], [32, "URG"], [64, "ECE"], [128, "CWR"]];

export function PacketFacts({ step }: { step: Step }) {
  const facts: [string, string][] = [["From", step.from], ["Time", `${clock(step.time)} UTC`]];
  if (step.flags !== undefined) facts.push(["Flags", FLAGS.filter(([bit]) => step.flags! & bit).map(([, name]) => name).join(", ") || "none"]);
  if (step.seq !== undefined) facts.push(["Seq", String(step.seq)]);
  if (step.ack !== undefined) facts.push(["Ack", String(step.ack)]);
  if (step.length !== undefined) facts.push(["Length", String(step.length)]);
  if (step.window !== undefined) facts.push(["Window", String(step.window)]);
  if (step.ttl !== undefined) facts.push(["TTL", String(step.ttl)]);
  return (
    <div class="packet-facts" aria-live="polite">
      <h4>Packet {step.packet}: {step.label}</h4>
      {step.says?.map((says) => <p class="says">{says}</p>)}
      <dl>{facts.map(([name, value]) => <div><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      <Filter text={`frame.number == ${step.packet}`} />
    </div>
  );
}
