import { element } from '../../page/element.ts';
import { type Blocks, countClasses } from '../model/findings.ts';

const PIXELS = 4;

/** The picture of a mask's blocks. */
export interface BlockMap {
  readonly element: HTMLElement;
  readonly show: (blocks: Blocks | undefined, head: number) => void;
  readonly clear: (why: string) => void;
}

/** Creates the block map. Full blocks are solid, partial ones chequered, empty ones blank, so no colour vision is needed. */
export function createBlockMap(): BlockMap {
  const canvas = element('canvas', { role: 'img', 'aria-label': 'Blocks of the mask' });
  const board = element('div', { class: 'board' }, canvas);
  const caption = element('figcaption', {});
  const legend = element(
    'div',
    { class: 'legend' },
    ...(['full', 'partial', 'empty'] as const).flatMap((kind) => [
      element('span', { class: `swatch ${kind}` }),
      element('span', { id: `blocks-${kind}` }, kind),
    ]),
  );
  let last: { blocks: Blocks; head: number } | undefined;
  const draw = (): void => {
    if (last) drawBlocks(canvas, last.blocks, last.head);
  };
  document.addEventListener('themechange', draw);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  const clear = (why: string): void => {
    last = undefined;
    board.hidden = true;
    legend.hidden = true;
    caption.textContent = why;
  };
  clear('');
  return {
    element: element(
      'figure',
      { class: 'blocks' },
      element('h2', {}, 'Blocks'),
      board,
      legend,
      caption,
    ),
    clear,
    show: (blocks, head) => {
      if (!blocks) return clear('Without a maskMod every block is full.');
      last = { blocks, head };
      board.hidden = false;
      legend.hidden = false;
      draw();
      const [empty, partial, full] = countClasses(blocks, head);
      const counts = { empty, partial, full };
      for (const [kind, count] of Object.entries(counts))
        legend.querySelector(`#blocks-${kind}`)!.textContent = `${kind} ${count}`;
      canvas.setAttribute(
        'aria-label',
        `Blocks of head ${head}: ${full} full, ${partial} partial, ${empty} empty`,
      );
      caption.textContent = `${blocks.tokens} × ${blocks.tokens} pairs in blocks of ${blocks.blockSize}. Empty blocks are skipped, full ones run without the mask.`;
    },
  };
}

function drawBlocks(canvas: HTMLCanvasElement, { shape, classes }: Blocks, head: number): void {
  const [, heads, rows, columns] = shape;
  const start = Math.min(head, heads - 1) * rows * columns;
  canvas.width = columns * PIXELS;
  canvas.height = rows * PIXELS;
  const context = canvas.getContext('2d')!;
  context.fillStyle = getComputedStyle(canvas).color;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const kind = classes[start + row * columns + column];
      const [x, y] = [column * PIXELS, row * PIXELS];
      if (kind === 2) context.fillRect(x, y, PIXELS, PIXELS);
      if (kind !== 1) continue;
      for (let i = 0; i < PIXELS * PIXELS; i++) {
        const [dx, dy] = [i % PIXELS, Math.floor(i / PIXELS)];
        if ((dx + dy) % 2 === 0) context.fillRect(x + dx, y + dy, 1, 1);
      }
    }
  }
}
