/** How long each request's connection had been idle, against what became of it. */
import { scaleLinear, scaleLog } from "d3-scale";
import { useMemo, useState } from "preact/hooks";
import { count, duration, shortDuration } from "./format";
import { useWidth } from "./hooks";
import { Section } from "./parts";
import { go, useCase } from "./view";

interface Dot { row: number; idle: number; failed: boolean; many: number; x: number; y: number }
const TOP = 44, STRIP = 74, LEFT = 86, RIGHT = 20;

export function Idle() {
  const { report, chosen } = useCase();
  const servers = useMemo(() => {
    const found = new Map<string, { row: number; idle: number; failed: boolean }[]>();
    for (let row = 0; row < report.rows; row++) {
      const idle = report.number(row, "idle"), connection = report.connection(row);
      if (idle < 0 || !connection || (report.number(row, "stream") >= 0 && idle === 0)) continue;
      const dots = found.get(connection.server) ?? [];
      dots.push({ row, idle: Math.max(idle, 1), failed: report.failed(row) });
      found.set(connection.server, dots);
    }
    const failures = (dots: { failed: boolean }[]) => dots.filter((d) => d.failed).length;
    return [...found].sort((a, b) => failures(b[1]) - failures(a[1]) || b[1].length - a[1].length);
  }, [report]);
  const [picked, setPicked] = useState<string | null>(null);
  const [ref, outer] = useWidth<HTMLDivElement>();
  const width = Math.max(220, outer - 32);
  const [address, dots] = servers.find(([name]) => name === picked) ?? servers[0] ?? ["", []];
  if (!dots.length || (dots.length < 2 && !dots.some((d) => d.failed))) return null;
  const facts = report.facts.servers.find((server) => server.address === address);
  const limits = [facts?.idle_timeout, facts?.silent_limit].flatMap((limit) => (limit ? [limit[0], limit[1]] : []));
  const low = Math.max(1, Math.min(...dots.map((d) => d.idle).reduce((a, b) => [Math.min(a[0]!, b)], [Infinity]), ...limits) / 1.5);
  const high = Math.max(dots.reduce((most, d) => Math.max(most, d.idle), 0), ...limits) * 1.4;
  // Over a decade apart the small ones would be one heap on a straight scale.
  const log = high / low > 12;
  const x = log ? scaleLog([low, high], [LEFT, width - RIGHT]) : scaleLinear([0, high], [LEFT, width - RIGHT]);
  const cells = new Map<string, Dot>();
  for (const dot of dots) {
    const at = x(dot.idle), jitter = ((dot.row * 2654435761) % 1000) / 1000;
    const y = TOP + (dot.failed ? 0 : STRIP) + 14 + jitter * (STRIP - 28);
    const key = `${Math.round(at / 5)} ${Math.round(y / 5)} ${dot.failed}`, there = cells.get(key);
    if (there) there.many++; else cells.set(key, { ...dot, many: 1, x: at, y });
  }
  const bottom = TOP + 2 * STRIP, most = Math.max(2, Math.floor(width / 120));
  const ticks = log ? decades(low, high, most) : x.ticks(most);
  const failures = dots.filter((d) => d.failed).length;
  const band = facts?.danger;
  return (
    <Section id="idle" title="Idle time before each request" note="How long the connection had been idle when the request was sent, and whether the request was answered."
      tools={servers.length > 1 && <label>Server <select value={address} onChange={(e) => setPicked(e.currentTarget.value)}>
        {servers.slice(0, 100).map(([name, list]) => <option value={name}>{name} ({list.length})</option>)}</select></label>}>
      <div class="card idle" ref={ref as never}>
        <svg width={width} height={bottom + 40} role="img" aria-label={`${failures} failed and ${dots.length - failures} answered requests to ${address} by idle time${facts?.idle_timeout ? `; inferred idle timeout ${duration(facts.idle_timeout[0])}` : ""}`}>
          {band && <rect class="danger" x={x(Math.max(low, band[0]))} y={TOP} width={Math.max(2, (band[1] > 0 ? Math.min(width - RIGHT, x(band[1])) : width - RIGHT) - x(Math.max(low, band[0])))} height={2 * STRIP} />}
          {ticks.map((at) => <g class="tick"><line x1={x(at)} x2={x(at)} y1={TOP} y2={bottom} /><text x={x(at)} y={bottom + 18} text-anchor="middle">{shortDuration(at)}</text></g>)}
          <line class="base" x1={LEFT} x2={width - RIGHT} y1={TOP + STRIP} y2={TOP + STRIP} />
          <line class="base" x1={LEFT} x2={width - RIGHT} y1={bottom} y2={bottom} />
          <text class="strip" x={LEFT - 12} y={TOP + STRIP / 2 + 4} text-anchor="end">failed</text>
          <text class="strip" x={LEFT - 12} y={TOP + STRIP * 1.5 + 4} text-anchor="end">answered</text>
          {[...cells.values()].map((dot) => (
            <g class={`dot${dot.failed ? " failed" : ""}${chosen.exchange === report.id(dot.row) ? " chosen" : ""}`} onClick={() => go("exchange", report.id(dot.row))}>
              <title>{dot.many > 1 ? `${dot.many} requests around ${duration(dot.idle)}` : `exchange ${report.id(dot.row)}: idle for ${duration(dot.idle)}, ${report.outcome(dot.row)}`}</title>
              {dot.failed ? <path d={`M${dot.x - 4} ${dot.y - 4}l8 8m0 -8l-8 8`} /> : <circle cx={dot.x} cy={dot.y} r={Math.min(6, 3 + Math.log10(dot.many))} />}
            </g>
          ))}
          {facts?.idle_timeout && <Limit x={x} limit={facts.idle_timeout} words="server's idle timeout" right={width - RIGHT} bottom={bottom} />}
          {facts?.silent_limit && <Limit x={x} limit={facts.silent_limit} words="goes dead silently" right={width - RIGHT} bottom={bottom} />}
        </svg>
        {facts && facts.lines.length > 0 && <ul class="lines">{facts.lines.map((line) => <li>{line}</li>)}</ul>}
        {band && <p class="note"><i class="swatch danger" /> A request after this long an idleness meets the server's close.</p>}
        <p class="sr">{count(failures, "request")} failed; their idle times: {dots.filter((d) => d.failed).slice(0, 20).map((d) => duration(d.idle)).join(", ")}.</p>
      </div>
    </Section>
  );
}

function Limit({ x, limit, words, right, bottom }: { x: (at: number) => number; limit: [number, number, number]; words: string; right: number; bottom: number }) {
  const at = x(limit[0]), end = x(limit[1]), flip = at > right - 190;
  const range = limit[1] - limit[0] > limit[0] / 50 ? `${duration(limit[0])} to ${duration(limit[1])}` : duration(limit[0]);
  return (
    <g class="limit">
      <rect x={at} y={TOP - 16} width={Math.max(1.5, end - at)} height={bottom - TOP + 16} />
      <text x={flip ? at - 6 : end + 6} y={TOP - 22} text-anchor={flip ? "end" : "start"}>{words}: {range}</text>
    </g>
  );
}

function decades(low: number, high: number, most: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const factor of [1, 2, 5]) all.push(factor * 10 ** power);
  const inside = all.filter((at) => at >= low && at <= high), step = Math.ceil(inside.length / most);
  return inside.filter((_, place) => place % step === 0);
}
