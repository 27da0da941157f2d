import type { Gpu } from '@heed/core';
import { bindTensor, threadGrid, unscoped } from '@heed/core/kernel';
import {
  bindCaptures,
  bindLengths,
  type BoundHook,
  type MaskHook,
  packParams,
  recorderTarget,
} from '@heed/kernels-wgsl/variant';
import { classesSource } from '../text/kernels/block-classes.wgsl.ts';
import {
  type BlockLayout,
  type BlockView,
  layoutWords,
  viewValues,
  wholeView,
} from './block-planes.ts';
import type { BlockProblem } from './block-problem.ts';

/**
 * When the blocks of a sequence are valid: with the lengths that the mask was made for, with those lengths and the same begins, or
 * never.
 */
export type Match = 'lengths' | 'begins' | 'never';

const matches: readonly Match[] = ['lengths', 'begins', 'never'];

/** Evaluates the mask's bounds for every block, in one dispatch beside those that prepare the captures. Nothing is read back. */
export function classifyBlocks(
  gpu: Gpu,
  problem: BlockProblem,
  layout: BlockLayout,
  bound: BoundHook,
  match: Match,
): BlockView {
  const size = Math.max(1, layoutWords(layout));
  const options = { dtype: 'u32', label: 'heed/block mask' } as const;
  // The mask owns them: an open scope disposes the mask, not its parts.
  const words = unscoped(gpu, () => gpu.empty([size], options));
  const view = wholeView(words, problem, layout);
  const threads = Math.max(layout.plane * 32, layout.made);
  if (threads > 0) {
    const own = { match_kind: matches.indexOf(match), threads };
    gpu.batch(() => dispatchClasses(gpu, problem, layout, bound, view, own));
  }
  return view;
}

function dispatchClasses(
  gpu: Gpu,
  problem: BlockProblem,
  layout: BlockLayout,
  bound: BoundHook,
  view: BlockView,
  own: { readonly threads: number; readonly match_kind: number },
): void {
  const target = recorderTarget(gpu);
  const config = { ...problem, mask: bound.hook as MaskHook };
  const lengths = bindLengths(target, problem);
  const captures = bindCaptures(target, { hooks: [bound], options: {} });
  const values = {
    match_kind: own.match_kind,
    batch: problem.batch,
    seqlen_q: problem.seqlenQ,
    seqlen_k: problem.seqlenK,
    align_end: problem.align === 'end' ? 1 : 0,
    heads: layout.heads,
    rows: layout.rows,
    columns: layout.columns,
    words: layout.plane,
    extent: view.extent,
    made: layout.made,
    ...viewValues(view, problem.blockM, problem.blockN),
    ...lengths.values,
    ...captures.values,
  };
  const source = classesSource(config);
  target.dispatch({
    source,
    buffers: [lengths.range, captures.range, bindTensor(view.words).range],
    params: packParams(source.fields, values),
    workgroups: threadGrid(gpu, own.threads),
  });
  lengths.release();
  captures.release();
}
