import type { Gpu, Tensor } from '@heed/core';
import { checkTensor, fail, formatShape, show } from '@heed/core/kernel';
import type { AttentionOptions } from '../host/attention-options.ts';

/** The shapes that option tensors are held against. */
export interface OptionContext {
  readonly fn: string;
  readonly gpu: Gpu;
  readonly batch: number;
  readonly qHeads: number;
}

/** Every option that does not depend on the layout. */
export function checkOptions(ctx: OptionContext, o: AttentionOptions): void {
  checkScale(ctx.fn, o.scale);
  checkWindow(ctx.fn, o.window);
  checkAlign(ctx.fn, o.align);
  checkSoftcap(ctx.fn, o.softcap);
  checkNumSplits(ctx.fn, o.numSplits);
  checkFlag(ctx.fn, 'causal', o.causal);
  checkFlag(ctx.fn, 'returnLse', o.returnLse);
  if (o.alibiSlopes !== undefined) checkSlopes(ctx, o.alibiSlopes);
  if (o.sinks !== undefined) checkSinks(ctx, o.sinks);
}

// 1e39 is finite to JavaScript, and an infinity to the kernel.
function isF32(x: unknown): x is number {
  return typeof x === 'number' && Number.isFinite(Math.fround(x));
}

function checkScale(fn: string, scale: unknown): void {
  if (scale !== undefined && !isF32(scale)) {
    fail(fn, 'scale must be a finite number', show(scale), 'Leave it out for 1/sqrt(Dqk).');
  }
}

function checkWindow(fn: string, window: unknown): void {
  if (window === undefined) return;
  const side = (x: unknown): boolean => Number.isInteger(x) && (x as number) >= -1;
  if (!Array.isArray(window) || window.length !== 2 || !window.every(side)) {
    fail(
      fn,
      'window must be [left, right], integers ≥ −1',
      show(window),
      'Use −1 for an unbounded side.',
    );
  }
}

function checkAlign(fn: string, align: unknown): void {
  if (align !== undefined && align !== 'start' && align !== 'end') {
    fail(
      fn,
      "align must be 'start' or 'end'",
      show(align),
      "Leave it out for 'end', the diagonal of cached decode.",
    );
  }
}

function checkSoftcap(fn: string, softcap: unknown): void {
  if (softcap !== undefined && !(isF32(softcap) && Math.fround(softcap) > 0)) {
    fail(fn, 'softcap must be a finite number above 0', show(softcap), 'Leave it out for no cap.');
  }
}

// The combine pass reads the partials of all splits of a row; more than this has no use on any device.
const MAX_SPLITS = 128;

function checkNumSplits(fn: string, n: unknown): void {
  if (n === undefined || n === 'auto') return;
  if (!Number.isInteger(n) || (n as number) < 1 || (n as number) > MAX_SPLITS) {
    fail(
      fn,
      `numSplits must be 'auto' or an integer from 1 to ${MAX_SPLITS}`,
      show(n),
      'Use 1 for no split.',
    );
  }
}

export function checkFlag(fn: string, name: string, flag: unknown): void {
  if (flag !== undefined && typeof flag !== 'boolean') {
    fail(fn, `${name} must be a boolean`, show(flag), `Pass ${name}: true or leave it out.`);
  }
}

const perQueryHead = 'Pass one value per query head.';

function checkSlopes({ fn, gpu, batch, qHeads }: OptionContext, slopes: Tensor): void {
  checkTensor(fn, 'alibiSlopes', slopes, { rank: [1, 2], dtype: ['f32'], gpu });
  const { shape } = slopes;
  if (shape.at(-1) !== qHeads || (shape.length === 2 && shape[0] !== batch)) {
    const rule = `alibiSlopes must be [${qHeads}] or [${batch}, ${qHeads}]`;
    fail(fn, rule, formatShape(shape), perQueryHead);
  }
}

function checkSinks({ fn, gpu, qHeads }: OptionContext, sinks: Tensor): void {
  checkTensor(fn, 'sinks', sinks, { rank: 1, dtype: ['f32'], gpu });
  if (sinks.shape[0] !== qHeads) {
    fail(fn, `sinks must be [${qHeads}]`, formatShape(sinks.shape), perQueryHead);
  }
}
