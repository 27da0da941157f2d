import { element } from '../../frame/element.ts';

/** A pair that is looked at. */
export interface Pair {
  readonly q: number;
  readonly kv: number;
}

const steps: Readonly<Record<string, readonly [q: number, kv: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-8, 0],
  PageDown: [8, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

/** A mark on a square picture that pointer and arrow keys move; `moved` hears of each new pair. */
export function pairCursor(
  canvas: HTMLElement,
  size: number,
  label: string,
  moved: (pair: Pair) => void,
): HTMLElement {
  const mark = element('div', { class: 'mark', hidden: true });
  const board = element(
    'div',
    { class: 'board', tabindex: 0, role: 'application', 'aria-label': label },
    canvas,
    mark,
  );
  let pair: Pair = { q: 0, kv: 0 };
  const move = (q: number, kv: number): void => {
    pair = { q: within(q, size), kv: within(kv, size) };
    mark.hidden = false;
    mark.style.setProperty('--row', String(pair.q / size));
    mark.style.setProperty('--column', String(pair.kv / size));
    moved(pair);
  };
  board.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(pair.q + step[0], pair.kv + step[1]);
  });
  board.addEventListener('focus', () => move(pair.q, pair.kv));
  board.addEventListener('pointermove', (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    move(
      Math.floor(((event.clientY - top) / height) * size),
      Math.floor(((event.clientX - left) / width) * size),
    );
  });
  return board;
}

const within = (index: number, size: number): number => Math.max(0, Math.min(size - 1, index));
