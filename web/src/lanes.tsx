/** All connections as lanes on one time axis. */
import { scaleLinear } from "d3-scale";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Connection, Report } from "./facts";
import { count, duration } from "./format";
import { usePrinting, useRows, useWidth } from "./hooks";
import { Section } from "./parts";
import { go, useCase } from "./view";

const HEIGHT = 26, NAMES = 218, PRINTED = 60;
interface Lane { connection: Connection; rows: number[]; failed: boolean }

function lanesOf(report: Report): Lane[] {
  const lanes = new Map<number, Lane>(report.facts.connections.map((connection) => [connection.id, { connection, rows: [], failed: false }]));
  for (let row = 0; row < report.rows; row++) {
    const lane = lanes.get(report.number(row, "connection"));
    if (lane) { lane.rows.push(row); lane.failed ||= report.failed(row); }
  }
  for (const finding of report.facts.findings) {
    if (finding.failure && !finding.exchanges.length) for (const id of finding.connections) { const lane = lanes.get(id); if (lane) lane.failed = true; }
  }
  return [...lanes.values()];
}

export function Lanes() {
  const { report, chosen } = useCase();
  const all = useMemo(() => lanesOf(report), [report]);
  const whole = useMemo(() => { const [low, high] = report.span(); const room = (high - low) * 0.02 + 1000; return [low - room, high + room] as const; }, [report]);
  const failing = all.filter((lane) => lane.failed);
  const [only, setOnly] = useState(false);
  const lanes = only ? failing : all;
  const [span, setSpan] = useState<readonly [number, number] | null>(null); // null: all of it
  const [from, to] = span ?? whole;
  const [ref, outer] = useWidth<HTMLDivElement>(), printing = usePrinting();
  const names = outer < 560 ? 96 : NAMES, width = Math.max(80, outer - names - 18);
  const { parent, list } = useRows(lanes.length, HEIGHT);
  const scale = scaleLinear([from, to], [0, width]);
  const [drag, setDrag] = useState<[number, number] | null>(null), dragged = useRef<[number, number] | null>(null);
  const draw = (ends: [number, number] | null) => { dragged.current = ends; setDrag(ends); };
  const axis = useRef<SVGSVGElement>(null);

  const zoom = (factor: number, at = (from + to) / 2) => {
    const size = Math.max(200, Math.min(whole[1] - whole[0], (to - from) * factor));
    const low = Math.max(whole[0], Math.min(at - ((at - from) / (to - from)) * size, whole[1] - size));
    setSpan([low, low + size]);
  };
  const move = (share: number) => {
    const shift = Math.max(whole[0] - from, Math.min(whole[1] - to, (to - from) * share));
    setSpan([from + shift, to + shift]);
  };
  const onKey = (event: KeyboardEvent) => {
    const act: Record<string, () => void> = {
      "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), "0": () => setSpan(null),
    };
    const chosen = act[event.key];
    if (chosen) { event.preventDefault(); chosen(); }
  };
  const xOf = (event: PointerEvent) => Math.max(0, Math.min(width, event.clientX - axis.current!.getBoundingClientRect().left));
  const endDrag = () => {
    const drag = dragged.current;
    if (drag && Math.abs(drag[1] - drag[0]) > 6) setSpan([scale.invert(Math.min(...drag)), scale.invert(Math.max(...drag))]);
    draw(null);
  };
  const ticks = scale.ticks(Math.max(2, Math.floor(width / 110)));
  const drawn = printing ? [...failing, ...all.filter((lane) => !lane.failed)].slice(0, PRINTED).map((lane, index) => ({ index, start: index * HEIGHT, lane }))
    : list.getVirtualItems().map((item) => ({ index: item.index, start: item.start, lane: lanes[item.index]! })).filter((item) => item.lane);
  const shown = printing ? drawn.length : lanes.length;
  return (
    <Section id="connections" title="Connections" note={report.facts.partial === "reading" ? "The first ones; the others are being read." : `${count(all.length, "connection")} on one time axis${failing.length ? `, ${failing.length} with failures` : ""}. Drag over the axis to zoom in.`}
      tools={<>
        {failing.length > 0 && failing.length < all.length && <label class="check"><input type="checkbox" checked={only} onChange={(e) => setOnly(e.currentTarget.checked)} /> Only with failures</label>}
        <div class="group" role="group" aria-label="Zoom">
          <button type="button" onClick={() => zoom(0.5)} aria-label="Zoom in">+</button>
          <button type="button" onClick={() => zoom(2)} aria-label="Zoom out">{"\u2212"}</button>
          <button type="button" onClick={() => setSpan(null)}>All</button>
        </div>
      </>}>
      <div class="card lanes" ref={ref as never}>
        <div class="axis">
          <span class="legend">
            <i class="phase Connect" /> connect <i class="phase TLS" /> TLS <i class="phase Receive" /> exchange <i class="mark" aria-hidden="true">{"\u2715"}</i> failed <i class="tick-mark" /> closed
          </span>
          <svg ref={axis} width={width} height={30} role="slider" tabindex={0} aria-label="Time shown; plus and minus zoom, arrow keys move" aria-valuemin={0}
            aria-valuemax={100} aria-valuenow={Math.round(((from - whole[0]) / (whole[1] - whole[0])) * 100)} aria-valuetext={`${duration(from)} to ${duration(to)}`} onKeyDown={onKey}
            onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); const x = xOf(event); draw([x, x]); }}
            onPointerMove={(event) => { if (dragged.current) draw([dragged.current[0], xOf(event)]); }} onPointerUp={endDrag} onPointerCancel={() => draw(null)}>
            <rect width={width} height={30} class="hit" />
            {ticks.map((at) => <g><line x1={scale(at)} x2={scale(at)} y1={22} y2={30} /><text x={scale(at)} y={16} text-anchor="middle">{tick(at, ticks)}</text></g>)}
            {drag && <rect class="drag" x={Math.min(...drag)} width={Math.abs(drag[1] - drag[0])} height={30} />}
          </svg>
        </div>
        <div class="lane-rows" ref={parent} tabindex={0} role="list" aria-label="Connections"
          style={{ height: `${printing ? shown * HEIGHT : Math.min(12 * HEIGHT, Math.max(1, shown) * HEIGHT)}px` }}
          onWheel={(event) => { if (event.ctrlKey) { event.preventDefault(); zoom(event.deltaY > 0 ? 1.25 : 0.8, scale.invert(event.clientX - axis.current!.getBoundingClientRect().left)); } }}>
          <div style={{ height: `${shown * HEIGHT}px`, position: "relative" }}>
            {drawn.map(({ lane, start }) => (
              <div key={lane.connection.id} role="listitem" class={`lane${lane.failed ? " failed" : ""}${chosen.connection === lane.connection.id ? " chosen" : ""}`} style={{ transform: `translateY(${start}px)`, height: `${HEIGHT}px` }}>
                <a href={`#connection-${lane.connection.id}`} style={{ width: `${names}px` }} title={`${lane.connection.client} to ${lane.connection.server}`}>
                  <b>{lane.connection.id}</b> {lane.connection.name || lane.connection.server}
                </a>
                <LaneBars lane={lane} scale={scale} width={width} ticks={ticks} />
              </div>
            ))}
          </div>
        </div>
      </div>
    </Section>
  );
}

function tick(at: number, ticks: number[]): string {
  const step = (ticks[1] ?? 1e6) - (ticks[0] ?? 0), digits = (unit: number) => Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  if (step >= 1e4) return `${(at / 1e6).toFixed(Math.min(3, digits(1e6)))} s`;
  return `${(at / 1e3).toFixed(Math.min(3, digits(1e3)))} ms`;
}

function LaneBars({ lane, scale, width, ticks }: { lane: Lane; scale: ReturnType<typeof scaleLinear<number, number>>; width: number; ticks: number[] }) {
  const { report, chosen } = useCase();
  const { connection } = lane;
  const at = (time: number) => Math.max(-4, Math.min(width + 4, scale(time)));
  const bars: { x: number; w: number; row: number; failed: boolean; many: number }[] = [];
  for (const row of lane.rows) {
    const x = at(report.number(row, "time")), end = at(report.end(row));
    if (end < 0 || x > width) continue;
    const last = bars[bars.length - 1], failed = report.failed(row);
    // What is closer than two points is one bar; a failure is never lost in it.
    if (last && last.failed === failed && x - last.x < 2 && end - last.x < 4) { last.many++; last.w = Math.max(last.w, end - last.x); } else bars.push({ x, w: Math.max(2, end - x), row, failed, many: 1 });
  }
  const setup = (name: string, from?: number | null, to?: number | null) => from != null && to != null && to > from &&
    <rect class={`phase ${name}`} x={at(from)} y={9} width={Math.max(1, at(to) - at(from))} height={8} />;
  const begin = at(connection.opened ?? 0), end = at(connection.last ?? 0);
  const closed = connection.closed;
  const selected = chosen.exchange === null ? undefined : report.row(chosen.exchange);
  return (
    <svg width={width} height={HEIGHT} aria-label={`${count(lane.rows.length, "exchange")}${lane.failed ? ", with failures" : ""}`} role="img">
      {ticks.map((time) => <line class="grid" x1={scale(time)} x2={scale(time)} y1={0} y2={HEIGHT} />)}
      <line class="life" x1={begin} x2={Math.max(begin + 1, end)} y1={13} y2={13} />
      {connection.lookup && setup("DNS", connection.lookup[2], connection.lookup[3])}
      {setup("Connect", connection.opened, connection.connected)}
      {setup("TLS", connection.connected ?? connection.tls_began, connection.tls_finished)}
      {bars.map((bar) => (
        <g class={`bar${bar.failed ? " failed" : ""}${bar.row === selected ? " chosen" : ""}`} onClick={() => go("exchange", report.id(bar.row))}>
          <title>{bar.many > 1 ? `${bar.many} exchanges` : `${report.id(bar.row)} ${report.text(bar.row, "method")} ${report.text(bar.row, "target")}: ${report.outcome(bar.row)}`}</title>
          <rect x={bar.x} y={6} width={bar.w} height={14} rx={1.5} />
          {bar.failed && <path d={`M${bar.x + bar.w / 2 - 4} 9l8 8m0 -8l-8 8`} />}
        </g>
      ))}
      {closed != null && <g class="close"><title>closed by {connection.closed_by ?? "nobody known"}</title><line x1={at(closed)} x2={at(closed)} y1={5} y2={21} /></g>}
      {lane.failed && !lane.rows.length && <g class="bar failed"><path d={`M${end - 4} 9l8 8m0 -8l-8 8`} /></g>}
    </svg>
  );
}
