import type { MaskHook, RowConstant, ScoreHook } from '@heed/kernels-wgsl';
import type { HookGradient } from '@heed/kernels-wgsl/variant';
import { constantOf, type Graph, type Input, type Node } from '../../ir/expression-node.ts';
import { inputsOf, ordered } from '../../ir/traversal.ts';
import { boundsOf } from '../bounds/bounds.ts';
import { MAX } from '../bounds/interval.ts';
import type { Derivative } from '../derivative.ts';
import { scoreGuard, staysFinite } from './helper-functions.ts';
import { atOffset, diagonalPart, rowConstants } from './hoisted-parts.ts';
import type { HookField } from './hook-fields.ts';
import { HookText, type InputNames } from './hook-text.ts';

/** A hook whose uniform fields state their content. */
export interface CompiledScoreHook extends ScoreHook {
  readonly params: readonly HookField[];
  readonly gradient: CompiledGradient;
}

interface CompiledGradient extends HookGradient {
  readonly params: readonly HookField[];
}

export interface CompiledMaskHook extends MaskHook {
  readonly params: readonly HookField[];
}

/** The inputs in functions of a pair: `(score: f32, row: Row, key: i32)`. */
const pairInputs: InputNames = {
  score: 'score',
  b: 'row.batch',
  h: 'row.head',
  q: 'row.query',
  kv: 'key',
  qLen: 'row.q_len',
  kvLen: 'row.k_len',
  qRow: 'row.q_row',
  kvRow: 'kv_row(row, key)',
};

/** The inputs in functions of a diagonal: `(row: Row, offset: i32)`. */
const diagonalInputs: InputNames = { ...pairInputs, offset: 'offset' };

/** The inputs in functions of a block: `(span: Span)`. */
const spanInputs: InputNames = {
  b: 'span.batch',
  hFirst: 'span.head_first',
  hLast: 'span.head_last',
  qFirst: 'span.query_first',
  qLast: 'span.query_last',
  kvFirst: 'span.key_first',
  kvLast: 'span.key_last',
  qLen: 'span.q_len',
  kvLen: 'span.k_len',
};

/** Makes the kernels' score hook of a score mod. */
export function scoreHook(
  name: string,
  root: Node,
  derivative: () => Derivative,
): CompiledScoreHook {
  const text = new HookText(name);
  const { constants, known: perRow } = addRowConstants(text, name, root);
  const diagonal = addDiagonal(text, name, root, perRow);
  const known = diagonal ? new Map([...perRow, [diagonal, 'diagonal']]) : perRow;
  const signature = `fn score_${name}(${pairParameters(diagonal)}) -> f32`;
  const guard = `${name}_guard`;
  const isFinite = staysFinite(root);
  if (!isFinite) text.declare(scoreGuard(guard));
  const result = ([score]: readonly string[]): string => (isFinite ? score! : `${guard}(${score})`);
  text.add({ signature, inputs: pairInputs, roots: [root], known, result });
  const isLong = isLongText(root, known);
  let gradient: CompiledGradient | undefined;
  return {
    kind: 'score',
    name,
    params: text.fields,
    constants,
    wgsl: text.text,
    isLong,
    ...(diagonal && { hasDiagonal: true }),
    // Computed on first use: most mods only run forward.
    get gradient() {
      return (gradient ??= scoreGradient(name, derivative(), diagonal));
    },
  };
}

const pairParameters = (diagonal: Node | undefined): string =>
  `score: f32, row: Row, key: i32${diagonal ? ', diagonal: f32' : ''}`;

function scoreGradient(
  name: string,
  derivative: Derivative,
  diagonal: Node | undefined,
): CompiledGradient {
  const text = new HookText(`${name}_by`);
  const signature = `fn score_derivative_${name}(${pairParameters(diagonal)}) -> f32`;
  const known = new Map(diagonal && [[diagonal, 'diagonal']]);
  text.add({ signature, inputs: pairInputs, roots: [derivative.score], known });
  const reads = derivative.tables.map(({ slot, indices, value }, i) => {
    const partial = `fn partial_${name}_${i}(score: f32, row: Row, key: i32) -> f32`;
    text.add({ signature: partial, inputs: pairInputs, roots: [value] });
    text.add({
      signature: `fn element_${name}_${i}(score: f32, row: Row, key: i32) -> u32`,
      inputs: pairInputs,
      roots: indices,
      result: (texts) => text.element(slot, texts) || '0u',
    });
    return { table: slot.index, isPerRow: !differsByKey(inputsOf(...indices)) };
  });
  const hasScoreDerivative = constantOf(derivative.score) !== 1;
  return { params: text.fields, wgsl: text.text, reads, hasScoreDerivative };
}

const differsByKey = (inputs: ReadonlySet<Input>): boolean =>
  inputs.has('kv') || inputs.has('kvRow') || inputs.has('score');

/** Makes the kernels' mask hook of a mask; its interval bounds give the classes of blocks. */
export function maskHook(name: string, graph: Graph, root: Node): CompiledMaskHook {
  const text = new HookText(name);
  const { constants, known } = addRowConstants(text, name, root);
  const signature = `fn visible_${name}(row: Row, key: i32) -> bool`;
  text.add({ signature, inputs: pairInputs, roots: [root], known });
  const { all, none, keys } = boundsOf(graph, root);
  text.add({
    signature: `fn class_${name}(span: Span) -> u32`,
    inputs: spanInputs,
    roots: [all, none],
    result: ([full, empty]) => `select(select(PARTIAL, FULL, ${full}), EMPTY, ${empty})`,
  });
  const hasRange = keys.first !== undefined || keys.end !== undefined;
  if (hasRange) {
    text.add({
      signature: `fn range_${name}(span: Span) -> vec2<i32>`,
      inputs: spanInputs,
      roots: [keys.first ?? graph.i32(0), keys.end ?? graph.i32(MAX)],
      result: ([first, end]) => `vec2<i32>(${first}, ${end})`,
    });
  }
  const isLong = isLongText(root, known);
  return { kind: 'mask', name, params: text.fields, constants, wgsl: text.text, isLong, hasRange };
}

/** Whether a text is long. Each read counts: its clamps and bounds are many instructions. */
function isLongText(root: Node, known: ReadonlyMap<Node, string>): boolean {
  const nodes = ordered([root], (node) => known.has(node));
  return nodes.length > 40 || nodes.some((node) => node.op === 'read' && !known.has(node));
}

interface RowConstants {
  readonly constants: readonly RowConstant[];
  readonly known: ReadonlyMap<Node, string>;
}

function addRowConstants(text: HookText, name: string, root: Node): RowConstants {
  const known = new Map<Node, string>();
  const constants = rowConstants(root).map((node, i) => {
    const field = `${name}_row${i}`;
    const type = node.type as RowConstant['type'];
    const signature = `fn ${field}(row: Row) -> ${type}`;
    text.add({ signature, inputs: pairInputs, roots: [node] });
    known.set(node, `row.${field}`);
    return { name: field, type, expression: `${field}(row)` };
  });
  return { constants, known };
}

/** Declares the part of a score that depends on q − kv only, if there is one. */
function addDiagonal(
  text: HookText,
  name: string,
  root: Node,
  known: ReadonlyMap<Node, string>,
): Node | undefined {
  const part = diagonalPart(root);
  if (!part) return undefined;
  const signature = `fn diagonal_${name}(row: Row, offset: i32) -> f32`;
  text.add({ signature, inputs: diagonalInputs, roots: [atOffset(part)], known });
  return part;
}
