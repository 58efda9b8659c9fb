/** The facts of one report as the page gets them (report/page/facts.py), and questions about them. */

export interface Step {
  packet: number; time: number; from: "client" | "server" | "path"; label: string; kind: string;
  flags?: number; seq?: number; ack?: number; length?: number; window?: number; ttl?: number;
  says?: string[];
  skipped?: number; until?: number; bytes?: [number, number];
}
export interface Diagram {
  connection: number; exchange: number | null; rtt: number | null; steps: Step[];
  said: { time: number | null; label: string; text: string }[];
}
export interface Finding {
  code: string; claim: string; cause: string; facts: string; share: string; place: string; whose: string; fix: string; fault: string; who: string; certainty: string; sure: string; failure: boolean;
  exchanges: number[]; connections: number[]; evidence: [number, string][]; advice: [string, string];
  settings: [string, string, string][]; retry: string; runner_up: string; program_says: string; refuted_by: string;
  references: string[]; quotes: [number, string, string][]; diagrams: Diagram[];
}
export interface Connection {
  id: number; client: string; server: string; name: string; transport: string;
  opened: number | null; connected: number | null; last: number | null; closed: number | null;
  closed_by: string | null; close: string; closes: [number, number, string, string, string][];
  packets: [number, number, number]; bytes: [number, number]; again: [number, number]; rtt: number;
  tls?: string; tls_began?: number | null; tls_finished?: number | null; program?: string;
  lookup?: [string, string, number, number, number]; more: string[];
}
export interface Server {
  address: string; lines: string[]; idle_timeout: [number, number, number] | null;
  silent_limit: [number, number, number] | null; danger: [number, number] | null; reloads: number[];
}
export interface More {
  lines?: string[]; request_trailers?: [string, string][]; response_trailers?: [string, string][];
}
type Column =
  | "id" | "connection" | "ordinal" | "stream" | "outcome" | "failed" | "protocol" | "method" | "target" | "host"
  | "status" | "reason" | "time" | "sent" | "first" | "last" | "idle" | "up" | "down" | "packet" | "sent_packet"
  | "first_packet" | "last_packet" | "request_headers" | "response_headers" | "version";
export interface Facts {
  page: number; base: number; headline: string; tone: "good" | "bad" | "open"; identity: [string, string][];
  missing: string[]; remarks: string[]; common: string[]; program: string[];
  findings: Finding[]; servers: Server[]; connections: Connection[];
  exchanges: { columns: Record<Column, number[]>; more: Record<string, More> };
  /** Only the first exchanges: the others are still being read, or the file ends before them. */
  partial?: "reading" | "cut";
  total: number; texts: string[]; shapes: number[][]; lists: number[][]; bodies: Record<string, [string | null, string | null]>;
}

/** One of the phases of an exchange: where it begins and ends, us from the report's base on. */
export interface Phase { name: "DNS" | "Connect" | "TLS" | "Blocked" | "Send" | "Wait" | "Receive"; from: number; to: number }

/** A report, with what is looked up again and again. Rows are places in the columns of exchanges. */
export class Report {
  readonly rows: number;
  readonly connections = new Map<number, Connection>();
  readonly codes = new Map<number, number[]>();
  private readonly places = new Map<number, number>();
  private lowered: string[] | null = null;

  constructor(readonly facts: Facts) {
    const ids = facts.exchanges.columns.id;
    this.rows = ids.length;
    ids.forEach((id, row) => this.places.set(id, row));
    for (const connection of facts.connections) this.connections.set(connection.id, connection);
    facts.findings.forEach((finding, index) => {
      for (const id of finding.exchanges) this.codes.set(id, [...(this.codes.get(id) ?? []), index]);
    });
  }

  number(row: number, column: Column): number { return this.facts.exchanges.columns[column][row]!; }
  text(row: number, column: Column): string { return this.facts.texts[this.number(row, column)] ?? ""; }
  row(id: number): number | undefined { return this.places.get(id); }
  id(row: number): number { return this.number(row, "id"); }
  failed(row: number): boolean { return this.number(row, "failed") === 1; }
  connection(row: number): Connection | undefined { return this.connections.get(this.number(row, "connection")); }
  findings(row: number): number[] { return this.codes.get(this.id(row)) ?? []; }
  outcome(row: number): string { return this.text(row, "outcome"); }

  host(row: number): string {
    const connection = this.connection(row);
    return this.text(row, "host") || connection?.name || connection?.server || "";
  }

  /** Name and value of each field of a header; null where there is none, or it was left out. */
  headers(row: number, side: "request" | "response"): [string, string][] | null {
    const list = this.facts.lists[this.number(row, `${side}_headers`)];
    if (list === undefined) return null;
    const { texts, shapes } = this.facts;
    return shapes[list[0]!]!.map((name, place) => [texts[name] ?? "", texts[list[place + 1]!] ?? ""]);
  }

  /** When it was over: its last byte, or the end of the connection where no response came. */
  end(row: number): number {
    const begin = this.number(row, "time");
    const last = Math.max(this.number(row, "last"), this.number(row, "sent"), 0);
    if (this.number(row, "first") >= 0) return begin + last;
    const closed = this.connection(row)?.closed;
    return Math.max(begin + last, closed ?? this.connection(row)?.last ?? 0);
  }

  /** The phases that are known of an exchange, in order. */
  phases(row: number): Phase[] {
    const begin = this.number(row, "time"), sent = this.number(row, "sent"), first = this.number(row, "first");
    const connection = this.connection(row), phases: Phase[] = [];
    const add = (name: Phase["name"], from: number | null | undefined, to: number | null | undefined) => {
      if (from != null && to != null && to > from) phases.push({ name, from, to });
    };
    if (connection && this.number(row, "ordinal") === 1) {
      const { lookup, opened, connected, tls_finished } = connection;
      if (lookup) add("DNS", lookup[2], lookup[3]);
      add("Connect", opened, connected);
      add("TLS", connected ?? connection.tls_began, tls_finished);
      add("Blocked", tls_finished ?? connected, begin);
    }
    if (sent < 0) { add("Receive", begin, this.end(row)); return phases; }
    add("Send", begin, begin + sent);
    const answered = first >= 0 ? begin + Math.max(first, sent) : this.end(row);
    add("Wait", begin + sent, answered);
    if (first >= 0) add("Receive", answered, this.end(row));
    return phases;
  }

  duration(row: number): number {
    const last = this.number(row, "last");
    return last >= 0 ? last : this.end(row) - this.number(row, "time");
  }

  /** First and last moment of all connections. */
  span(): [number, number] {
    let low = 0, high = 1;
    for (const c of this.facts.connections) {
      low = Math.min(low, c.lookup?.[2] ?? 0, c.opened ?? 0);
      high = Math.max(high, c.last ?? 0);
    }
    for (let row = 0; row < this.rows; row++) high = Math.max(high, this.number(row, "time"));
    return [low, high];
  }

  /** Rows for which all words occur in the request line, host, status, outcome, findings or header fields. */
  search(words: string[], rows: number[]): number[] {
    this.lowered ??= this.facts.texts.map((text) => text.toLowerCase());
    const lowered = this.lowered, { columns } = this.facts.exchanges;
    for (const word of words) {
      const texts = new Uint8Array(lowered.length);
      lowered.forEach((text, place) => { if (text.includes(word)) texts[place] = 1; });
      const shapes = this.facts.shapes.map((shape) => shape.some((place) => texts[place]));
      const lists = this.facts.lists.map((list) => shapes[list[0]!] || list.some((place, at) => at > 0 && texts[place]));
      const codes = this.facts.findings.map((finding) => finding.code.includes(word));
      const names = new Map(this.facts.connections.map((c) => [c.id, c.name.includes(word) || c.server.includes(word)]));
      rows = rows.filter((row) =>
        texts[columns.target[row]!] || texts[columns.host[row]!] || texts[columns.method[row]!] ||
        texts[columns.outcome[row]!] || lists[columns.request_headers[row]!] || lists[columns.response_headers[row]!] ||
        String(columns.status[row]) === word || names.get(columns.connection[row]!) ||
        this.findings(row).some((index) => codes[index]));
    }
    return rows;
  }
}
