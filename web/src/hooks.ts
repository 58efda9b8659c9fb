/** What several parts of the page need of the browser. */
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";

/** The width of an element, kept up to date. */
export function useWidth<T extends Element>(): [{ current: T | null }, number] {
  const ref = useRef<T>(null), [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.getBoundingClientRect().width);
    const observer = new ResizeObserver((entries) => setWidth(entries[0]!.contentRect.width));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

/** Which rows of a long list to draw. */
export function useRows(size: number, height: number) {
  const parent = useRef<HTMLDivElement>(null), [, again] = useReducer((n: number) => n + 1, 0);
  const options = {
    count: size, estimateSize: () => height, overscan: 12, getScrollElement: () => parent.current,
    observeElementRect, observeElementOffset, scrollToFn: elementScroll, onChange: () => again(0),
  };
  const [list] = useState(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options));
  list.setOptions(options);
  useLayoutEffect(() => list._didMount(), []);
  useLayoutEffect(() => list._willUpdate());
  return { parent, list };
}

/** Whether the page is about to be printed. */
export function usePrinting(): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const query = matchMedia("print"), change = () => setPrinting(query.matches);
    const before = () => setPrinting(true), after = () => setPrinting(false);
    query.addEventListener("change", change);
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => {
      query.removeEventListener("change", change);
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
    };
  }, []);
  return printing;
}

export function useMedia(words: string): boolean {
  const [on, setOn] = useState(() => matchMedia(words).matches);
  useEffect(() => {
    const query = matchMedia(words), change = () => setOn(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, [words]);
  return on;
}
