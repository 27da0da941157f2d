import { sections, wgsl } from '@heed/core/kernel';
import { storeStateWgsl } from './softmax.wgsl.ts';

/** What a finished row needs before it is stored: the sink, once per row, and its log-sum-exp. */
export const epilogueWgsl: string = sections(
  storeStateWgsl,
  wgsl`
  // Adds the row's sink, if there are sinks: in the first split only, and to no row outside every sequence.
  // Returns the factor for the row's accumulator.
  fn apply_sink(state: ptr<function, Softmax>, row: Row, split: u32) -> f32 {
    if (params.sinks == NONE || split > 0u || u32(row.batch) >= params.batch) {
      return 1.0;
    }
    let logit = softmax_score(captures[params.sinks + u32(row.head) * params.sinks_head]);
    return softmax_sink(state, logit);
  }

  fn write_lse(state: Softmax, row: Row, split: u32) {
    if (params.write_lse != 0u) {
      store_state(state, lse_index(row, split));
    }
  }
`,
);
