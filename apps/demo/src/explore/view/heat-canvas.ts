import { heatColour } from './colour.ts';

/** The range of colours. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/** The finite values of all heads, so that heads can be compared. */
export function rangeOf(values: Float32Array): Range {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least <= most ? { least, most } : { least: 0, most: 0 };
}

/** Draws size × size values, a pixel each; pairs that are hidden stay transparent, over a hatched ground. */
export function drawHeat(
  canvas: HTMLCanvasElement,
  values: Float32Array,
  hidden: (index: number) => boolean,
  { least, most }: Range,
  size: number,
): void {
  canvas.width = size;
  canvas.height = size;
  const image = new ImageData(size, size);
  const span = most - least || 1;
  for (const [i, value] of values.entries()) {
    if (hidden(i)) continue;
    image.data.set([...heatColour((value - least) / span), 255], 4 * i);
  }
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
