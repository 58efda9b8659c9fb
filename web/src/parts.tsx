/** Small parts that occur everywhere. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export const ExchangeLink = ({ id }: { id: number }) => <a class="ref" href={`#exchange-${id}`}>exchange {id}</a>;
export const ConnectionLink = ({ id }: { id: number }) => <a class="ref" href={`#connection-${id}`}>connection {id}</a>;
export const PacketLink = ({ id }: { id: number }) => (
  <a class="packet" href={`#packet-${id}`} aria-label={`packet ${id}`}>{id}</a>
);

const GLYPHS = {
  failed: "M2.5 2.5 9.5 9.5M9.5 2.5 2.5 9.5", good: "M2 6.5 5 9.5 10 3", open: "M6 2.5V7M6 9.2V9.8",
  proved: "M2 6.5 5 9.5 10 3", likely: "M2 7.5C4 4 6 9 10 5", possible: "M6 2.5V7M6 9.2V9.8",
};
/** A sign that says it by its shape, not by its colour alone. */
export const Glyph = ({ name }: { name: keyof typeof GLYPHS }) => (
  <svg class={`glyph ${name}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
    <path d={GLYPHS[name]} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
  </svg>
);

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [done, setDone] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => { setDone(true); setTimeout(() => setDone(false), 1500); }, () => {});
  };
  return <button type="button" class="quiet" onClick={copy} aria-label={`${label}: ${text}`}>{done ? "Copied" : label}</button>;
}

export const Filter = ({ text }: { text: string }) => (
  <span class="command"><code tabindex={0}>{text}</code><Copy text={text} /></span>
);

export const Section = ({ id, title, note, tools, children }: {
  id: string; title: string; note?: ComponentChildren; tools?: ComponentChildren; children: ComponentChildren;
}) => (
  <section id={id} aria-labelledby={`${id}-title`}>
    <header class="section-head">
      <div><h2 id={`${id}-title`}>{title}</h2>{note && <p class="note">{note}</p>}</div>
      {tools && <div class="tools">{tools}</div>}
    </header>
    {children}
  </section>
);

export const Lines = ({ lines }: { lines: string[] }) => <ul class="lines">{lines.map((line) => <li>{line}</li>)}</ul>;
