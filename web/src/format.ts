/** Numbers as people read them. Times come in us. */

export function duration(us: number): string {
  const sign = us < 0 ? "\u2212" : "", size = Math.abs(us);
  if (size >= 60e6) return `${sign}${Math.floor(size / 60e6)} min ${((size % 60e6) / 1e6).toFixed(0)} s`;
  if (size >= 1e6) return `${sign}${(size / 1e6).toFixed(3)} s`;
  if (size >= 1e4) return `${sign}${(size / 1e3).toFixed(0)} ms`;
  if (size >= 1e3) return `${sign}${(size / 1e3).toFixed(1)} ms`;
  return size ? `${sign}${size} \u00b5s` : "0";
}

/** The same for round numbers: 500 ms, 1 s. */
export function shortDuration(us: number): string {
  const [unit, name] = Math.abs(us) >= 1e6 ? [1e6, "s"] : Math.abs(us) >= 1e3 ? [1e3, "ms"] : [1, "\u00b5s"];
  return `${Number((us / unit).toPrecision(3))} ${name}`;
}

export function bytes(size: number): string {
  if (size < 0) return "\u2013";
  if (size < 1000) return `${size} B`;
  if (size < 1e6) return `${(size / 1e3).toFixed(1)} kB`;
  return size < 1e9 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`;
}

/** A time of day in UTC, to the microsecond; `at` is in us since the epoch. */
export function clock(at: number): string {
  const rest = String(Math.floor(at % 1e6)).padStart(6, "0");
  return `${new Date(Math.floor(at / 1e6) * 1000).toISOString().slice(11, 19)}.${rest}`;
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** JSON on several lines: each token stays as it was sent. Null where the text is none. */
export function prettyJson(text: string): string | null {
  try { JSON.parse(text); } catch { return null; }
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let out = "", depth = 0;
  tokens.forEach((token, place) => {
    const next = tokens[place + 1], line = () => `\n${"  ".repeat(depth)}`;
    if (token === "{" || token === "[") {
      depth++;
      out += token + (next === "}" || next === "]" ? "" : line());
    } else if (token === "}" || token === "]") {
      depth--;
      const before = tokens[place - 1];
      out += (before === "{" || before === "[" ? "" : line()) + token;
    } else out += token === "," ? token + line() : token === ":" ? ": " : token;
  });
  return out;
}

/** Words on lines of at most `most` characters. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    while (word.length > most) { if (line) lines.push(line); line = ""; lines.push(word.slice(0, most)); word = word.slice(most); }
    if (line && line.length + word.length + 1 > most) { lines.push(line); line = word; } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}
