import type { PageFormat } from '@heed/core';
import { type KernelSource, memoized, sections, threadMain, wgsl } from '@heed/core/kernel';
import {
  eachPool,
  elementWgsl,
  rotaryBindings,
  rotaryStruct,
  rotaryWgsl,
  rowsStruct,
} from './row-reads.wgsl.ts';
import { appendWgsl, rowWgsl, storeWgsl, type ValueOf } from './row-writes.wgsl.ts';

/** Config of the append kernel. Shapes, strides and the dtype of k and v are parameters instead. */
export interface AppendConfig {
  /** Of keys. */
  readonly format: PageFormat;
  /** Of values; default `format`. */
  readonly formatV?: PageFormat;
  /** Keys are rotated by their positions before they are stored. */
  readonly rotary: boolean;
}

const label = ({ format, formatV = format, rotary }: AppendConfig): string =>
  `heed/append ${format === formatV ? format : `${format} ${formatV}`}${rotary ? ' rotary' : ''}`;

/** Writes rows k and v [tokens, heads, dim] to the slots of their tokens; slot = page · page size + row in the page. */
export const appendSource: (config: AppendConfig) => KernelSource = memoized(label, make);

function make(config: AppendConfig): KernelSource {
  const { format, formatV = format, rotary } = config;
  const position = rotary && 'let position = position_of(token);';
  const key: ValueOf = (d) =>
    rotary ? `k_rotated(row, ${d}, position)` : `k_element(row + ${d} * params.k.element)`;
  const value: ValueOf = (d) => `v_element(row + ${d} * params.v.element)`;
  const code = sections(
    `// ${label(config)}`,
    rowsStruct,
    rotary && rotaryStruct,
    paramsStruct(rotary),
    bindings(rotary),
    elementWgsl('k', 'params.k.type_of'),
    elementWgsl('v', 'params.v.type_of'),
    rotary && rotaryWgsl('k'),
    slotWgsl,
    storeWgsl(new Set([format, formatV])),
    rowWgsl('k'),
    rowWgsl('v'),
    appendWgsl(format, 'k', key, position),
    appendWgsl(formatV, 'v', value, false),
    threadMain(
      'thread',
      eachPool((x) => `append_${x}(thread)`),
    ),
  );
  const kinds = ['read', 'read', 'read', 'write', 'write'] as const;
  return {
    label: label(config),
    code: `${code}\n`,
    bindings: rotary ? [...kinds, 'read', 'read', 'read', 'uniform'] : [...kinds, 'uniform'],
  };
}

const paramsStruct = (rotary: boolean): string => wgsl`
  struct Params {
    k: Rows,
    v: Rows,
    ${rotary && 'rotary: Rotary,'}
    tokens: u32,
    heads: u32,
    // Slots of the pools.
    capacity: u32,
    page_size: u32,
    slots_start: u32,
    slots_step: u32,
  }
`;

const bindings = (rotary: boolean): string => wgsl`
  @group(0) @binding(0) var<storage, read> k: array<u32>;
  @group(0) @binding(1) var<storage, read> v: array<u32>;
  @group(0) @binding(2) var<storage, read> slots: array<i32>;
  @group(0) @binding(3) var<storage, read_write> k_pool: array<u32>;
  @group(0) @binding(4) var<storage, read_write> v_pool: array<u32>;
  ${rotary && rotaryBindings(5)}
  @group(0) @binding(${rotary ? 8 : 5}) var<uniform> params: Params;
`;

const slotWgsl = wgsl`
  const NO_SLOT = 0xffffffffu;

  // The slot of a token. As u32, a negative slot is beyond every pool.
  fn slot_of(token: u32) -> u32 {
    if (token >= params.tokens) {
      return NO_SLOT;
    }
    let slot = u32(slots[params.slots_start + token * params.slots_step]);
    return select(NO_SLOT, slot, slot < params.capacity);
  }
`;
