/** What is looked at, shared by all parts of the page. The address after # names it, so that links and the back
 * button work: #exchange-4, #connection-2, #finding-1, #packet-20. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Report } from "./facts";

export interface Chosen { exchange: number | null; connection: number | null; packet: number | null; finding: number | null }
export const NOTHING: Chosen = { exchange: null, connection: null, packet: null, finding: null };

export interface Case { report: Report; chosen: Chosen; bodies?: (id: number) => Promise<[string | null, string | null]> }
export const CaseContext = createContext<Case>(null as unknown as Case);
export const useCase = () => useContext(CaseContext);

export function fromAddress(hash: string): Chosen {
  const match = /^#(exchange|connection|packet|finding)-(\d{1,12})$/.exec(hash);
  return match ? { ...NOTHING, [match[1]!]: Number(match[2]) } : NOTHING;
}
export function go(kind: keyof Chosen, id: number): void { location.hash = `${kind}-${id}`; }
