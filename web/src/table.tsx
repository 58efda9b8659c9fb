/** The table of exchanges: sorted, filtered, searched; of 50,000 rows those in sight are drawn. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Detail } from "./detail";
import type { Report } from "./facts";
import { bytes, clock, count, duration } from "./format";
import { useMedia, usePrinting, useRows } from "./hooks";
import { Glyph, Section } from "./parts";
import { go, useCase } from "./view";
import { MiniWaterfall } from "./waterfall";

const HEIGHT = 32, PRINTED = 300, COURSE = 150;

interface ColumnFacts { key: string; title: string; width: string; n?: boolean; small?: boolean; value: (report: Report, row: number) => number | string }
const COLUMNS: ColumnFacts[] = [
  { key: "id", title: "#", width: "58px", n: true, small: true, value: (r, row) => r.id(row) },
  { key: "status", title: "Status", width: "122px", small: true, value: (r, row) => (r.failed(row) ? -1000 : 0) + r.number(row, "status") },
  { key: "method", title: "Method", width: "72px", value: (r, row) => r.text(row, "method") },
  { key: "target", title: "Target", width: "minmax(150px,2.2fr)", small: true, value: (r, row) => r.text(row, "target") },
  { key: "host", title: "Host", width: "minmax(90px,1fr)", value: (r, row) => r.host(row) },
  { key: "connection", title: "Conn", width: "58px", n: true, value: (r, row) => r.number(row, "connection") },
  { key: "down", title: "Size", width: "82px", n: true, value: (r, row) => r.number(row, "down") },
  { key: "idle", title: "Idle", width: "84px", n: true, value: (r, row) => r.number(row, "idle") },
  { key: "took", title: "Took", width: "84px", n: true, small: true, value: (r, row) => r.duration(row) },
  { key: "time", title: "Time (UTC)", width: "132px", n: true, value: (r, row) => r.number(row, "time") },
  { key: "course", title: "Waterfall", width: `${COURSE + 12}px`, value: (r, row) => r.number(row, "time") },
];

type Kind = "all" | "failed" | "2xx" | "3xx" | "4xx" | "5xx";
const KINDS: Kind[] = ["all", "failed", "2xx", "3xx", "4xx", "5xx"];

function isOf(report: Report, row: number, kind: Kind): boolean {
  if (kind === "all") return true;
  if (kind === "failed") return report.failed(row);
  return String(report.number(row, "status"))[0] === kind[0] && report.number(row, "status") > 0;
}

export function Exchanges() {
  const { report, chosen } = useCase();
  const [sort, setSort] = useState<{ key: string; down: boolean }>({ key: "id", down: false });
  const [words, setWords] = useState("");
  const [kind, setKind] = useState<Kind>("all");
  const [open, setOpen] = useState<number | null>(null);
  const [connection, setConnection] = useState<number | null>(null);
  const small = useMedia("(max-width: 760px)"), printing = usePrinting();
  const box = useRef<HTMLInputElement>(null);
  const span = useMemo(() => report.span(), [report]);
  const all = useMemo(() => Array.from({ length: report.rows }, (_, row) => row), [report]);
  const counts = useMemo(() => new Map(KINDS.map((each) => [each, all.filter((row) => isOf(report, row, each)).length])), [report, all]);

  const rows = useMemo(() => {
    let found = all.filter((row) => isOf(report, row, kind) && (connection === null || report.number(row, "connection") === connection));
    const asked = words.toLowerCase().split(/\s+/).filter(Boolean);
    if (asked.length) found = report.search(asked, found);
    const column = COLUMNS.find((each) => each.key === sort.key)!, sign = sort.down ? -1 : 1;
    if (sort.key !== "id" || sort.down) {
      const values = new Map(found.map((row) => [row, column.value(report, row)]));
      found = [...found].sort((a, b) => {
        const x = values.get(a)!, y = values.get(b)!;
        return (x < y ? -1 : x > y ? 1 : 0) * sign || a - b;
      });
    }
    return found;
  }, [report, all, words, kind, connection, sort]);

  const { parent, list } = useRows(rows.length, HEIGHT);
  const place = open === null ? -1 : rows.findIndex((row) => report.id(row) === open);

  useEffect(() => {
    if (chosen.exchange !== null && report.row(chosen.exchange) !== undefined) {
      setOpen(chosen.exchange);
      const row = report.row(chosen.exchange)!, at = rows.indexOf(row);
      if (at < 0) { setKind("all"); setWords(""); setConnection(null); } else list.scrollToIndex(at, { align: "auto" });
      bringIntoView();
    }
    if (chosen.connection !== null) {
      setConnection(chosen.connection);
      setOpen(null);
      bringIntoView();
    }
  }, [chosen, report.facts.partial]);
  useEffect(() => {
    if (chosen.exchange !== null) {
      const at = rows.indexOf(report.row(chosen.exchange) ?? -1);
      if (at >= 0) list.scrollToIndex(at, { align: "auto" });
    }
  }, [rows]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); box.current?.focus(); }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  const show = (at: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
    if (row === undefined) return;
    setOpen(report.id(row));
    list.scrollToIndex(rows.indexOf(row), { align: "auto" });
    history.replaceState(null, "", `#exchange-${report.id(row)}`);
  };
  const close = () => { setOpen(null); history.replaceState(null, "", location.pathname + location.search); parent.current?.focus(); };
  const page = Math.max(1, Math.floor((parent.current?.clientHeight ?? 300) / HEIGHT) - 2);
  const onKey = (event: KeyboardEvent) => {
    const act: Record<string, () => void> = {
      ArrowDown: () => show(place + 1), ArrowUp: () => show(place < 0 ? 0 : place - 1), PageDown: () => show(place + page), PageUp: () => show(place - page),
      Home: () => show(0), End: () => show(rows.length - 1), Enter: () => { if (place < 0) show(0); else document.getElementById("detail")?.focus(); }, Escape: close,
    };
    const chosen = act[event.key];
    if (chosen && !event.ctrlKey && !event.metaKey) { event.preventDefault(); chosen(); }
  };

  const detail = open !== null && !printing && report.row(open) !== undefined;
  const columns = COLUMNS.filter((column) => (small ? column.small : detail ? column.small || column.key === "method" : true));
  const narrow: Record<string, string> = { id: "46px", status: "104px", target: "minmax(80px,1fr)", took: "74px" };
  const template = columns.map((column) => (small ? narrow[column.key] : column.width)).join(" ");
  const failuresFirst = printing ? [...rows.filter((row) => report.failed(row)), ...rows.filter((row) => !report.failed(row))].slice(0, PRINTED) : [];
  const items = printing ? failuresFirst.map((row, index) => ({ index, start: index * HEIGHT, row }))
    : list.getVirtualItems().map((item) => ({ index: item.index, start: item.start, row: rows[item.index]! })).filter((item) => item.row !== undefined);
  const left = report.facts.total - report.rows, { partial } = report.facts;
  return (
    <Section id="exchanges" title="Exchanges" note={<span aria-live="polite">
      {rows.length === report.rows ? count(report.rows, "exchange") : `${rows.length.toLocaleString("en")} of ${count(report.rows, "exchange")}`}
      {left > 0 && partial && `; ${left.toLocaleString("en")} more ${partial === "reading" ? "are being read" : "are missing: the file is not whole"}`}
      {left > 0 && !partial && `; ${left.toLocaleString("en")} more are not in this page: those that findings are about, their neighbours and the first of the others are`}
      {printing && rows.length > PRINTED && `; the first ${PRINTED} are printed, failures first`}
    </span>}>
      <div class="filters">
        <label class="search"><span class="sr">Search exchanges</span>
          <input ref={box} type="search" placeholder="Search target, host, header, status, finding" value={words} onInput={(e) => setWords(e.currentTarget.value)}
            onKeyDown={(e) => { if (e.key === "Escape") setWords(""); }} />
          <kbd aria-hidden="true">/</kbd></label>
        <div class="group" role="group" aria-label="Which exchanges">
          {KINDS.filter((each) => each === "all" || counts.get(each)).map((each) => (
            <button type="button" aria-pressed={kind === each} onClick={() => setKind(each)}>{each === "all" ? "All" : each === "failed" ? <><Glyph name="failed" /> Failed</> : each} <span class="count">{counts.get(each)!.toLocaleString("en")}</span></button>
          ))}
        </div>
        {connection !== null && <button type="button" class="pill" onClick={() => { setConnection(null); history.replaceState(null, "", location.pathname + location.search); }}
          aria-label={`Show all connections, not only ${connection}`}>Connection {connection} <span aria-hidden="true">{"\u2715"}</span></button>}
      </div>
      <div class={`split${detail ? " open" : ""}`}>
        <div class="card table">
          <div class="grid-scroll" ref={parent} role="grid" tabindex={0} aria-label="Exchanges" aria-rowcount={rows.length + 1} aria-activedescendant={place >= 0 ? `row-${open}` : undefined} onKeyDown={onKey}
            style={{ height: printing ? "auto" : `min(${Math.max(3, rows.length) * HEIGHT + 36}px, 68vh)` }}>
            <div role="row" aria-rowindex={1} class="head row" style={{ gridTemplateColumns: template }}>
              {columns.map((column) => (
                <div role="columnheader" class={column.n ? "n" : ""} aria-sort={sort.key !== column.key ? "none" : sort.down ? "descending" : "ascending"}>
                  <button type="button" tabindex={0} onClick={() => setSort({ key: column.key, down: sort.key === column.key && !sort.down })}>
                    {column.title}<span aria-hidden="true" class="arrow-mark">{sort.key === column.key ? (sort.down ? "\u2193" : "\u2191") : ""}</span></button>
                </div>
              ))}
            </div>
            <div role="rowgroup" style={{ height: `${(printing ? items.length : rows.length) * HEIGHT}px`, position: "relative" }}>
              {items.map(({ row, index, start }) => (
                <Row key={report.id(row)} row={row} index={index} start={start} columns={columns} template={template} chosen={report.id(row) === open} span={span} pick={() => go("exchange", report.id(row))} />
              ))}
            </div>
          </div>
          {!rows.length && <p class="empty">No exchange fits. <button type="button" class="quiet" onClick={() => { setWords(""); setKind("all"); setConnection(null); }}>Show all</button></p>}
        </div>
        {detail && <Detail row={report.row(open!)!} close={close} />}
      </div>
    </Section>
  );
}

/** Scroll to the table, unless it is in sight. */
function bringIntoView() {
  const section = document.getElementById("exchanges"), table = section?.querySelector(".split")?.getBoundingClientRect();
  if (section && table && (table.top < 40 || table.top > innerHeight * 0.6)) section.scrollIntoView({ block: "start" });
}

function Row({ row, index, start, columns, template, chosen, span, pick }: {
  row: number; index: number; start: number; columns: ColumnFacts[]; template: string; chosen: boolean; span: readonly [number, number]; pick: () => void;
}) {
  const { report } = useCase();
  const failed = report.failed(row);
  return (
    <div role="row" id={`row-${report.id(row)}`} aria-rowindex={index + 2} aria-selected={chosen} class={`row${failed ? " failed" : ""}${chosen ? " chosen" : ""}`}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)`, height: `${HEIGHT}px` }} onClick={pick}>
      {columns.map((column) => <div role="gridcell" class={column.n ? "n" : ""} title={column.key === "target" || column.key === "host" ? String(column.value(report, row)) : undefined}><Cell column={column.key} row={row} span={span} short={columns.length === 4} /></div>)}
    </div>
  );
}

function Cell({ column, row, span, short }: { column: string; row: number; span: readonly [number, number]; short: boolean }) {
  const { report } = useCase();
  switch (column) {
    case "status": return <StatusWord row={row} />;
    case "down": return <>{bytes(report.number(row, "down"))}</>;
    case "idle": return <>{report.number(row, "idle") < 0 ? "\u2013" : duration(report.number(row, "idle"))}</>;
    case "took": return <>{duration(report.duration(row))}</>;
    case "time": return <>{clock(report.facts.base + report.number(row, "time"))}</>;
    case "course": return <MiniWaterfall phases={report.phases(row)} span={span} width={COURSE} />;
    case "host": return <>{report.host(row)}</>;
    case "target": return <>{short && <b class="short-method">{report.text(row, "method")}</b>}{report.text(row, "target") || "\u2013"}</>;
    case "method": return <>{report.text(row, column) || "\u2013"}</>;
    case "id": return <>{report.id(row)}</>;
    default: return <>{report.number(row, "connection")}</>;
  }
}

export function StatusWord({ row }: { row: number }) {
  const { report } = useCase();
  const status = report.number(row, "status"), outcome = report.outcome(row);
  const words = status > 0 ? String(status) : outcome;
  if (report.failed(row)) return <span class="status failed"><Glyph name="failed" />{status > 0 && outcome !== "complete" ? `${status} ${outcome}` : words}</span>;
  return <span class={`status${status >= 400 ? " warn" : ""}`}>{status >= 400 ? <Glyph name="open" /> : <i class="dot-mark" />}{words}</span>;
}
