import { wgsl } from '@heed/core/kernel';
import { addDot } from '../parts/chained-products.wgsl.ts';
import { dropWeight } from '../parts/dropped-weights.wgsl.ts';
import { bracketed, each, plus } from '../parts/repeat.ts';
import { type EachScore, tileScores } from '../parts/score-chain.wgsl.ts';
import { guarded, overColumns, powersOfTwo } from './decode-columns.wgsl.ts';
import { integerDot, integersOf, integerText, ownStep } from './integer-products.wgsl.ts';
import {
  type Decode,
  elementOf,
  isExact,
  lastOf,
  layoutOf,
  ownRow,
  placeOf,
  type Side,
  unpacked,
  productType,
} from './decode-layout.ts';
import { DECODE_THREADS, decodeArrays, type DecodeTile } from './decode-tile.ts';
import { takeSum, takeValues } from './cascade-states.ts';
import type { ForwardConfig } from './kernel-config.ts';
import { entryPoint, keyTileLoop } from './tile-loops.wgsl.ts';

/**
 * Computes tiles of few query rows, whose time is that of reading k and v. The lanes of a team load whole rows of k and v: every
 * load of a tile is outstanding before the first is used. A team sums the products of its keys over its lanes. Then each thread
 * finishes scores of one query row, as many as the others, and the weights return to the teams through workgroup memory. Teams
 * add up values of different keys; their sums meet in the end.
 */
export function decodeMain(config: ForwardConfig, tile: DecodeTile): string {
  const decode = layoutOf(config, tile);
  const body = wgsl`
    let lane = thread % ${tile.lanes}u;
    let team = thread / ${tile.lanes}u;
    // The row whose scores this thread finishes, and the first of its keys in a tile.
    let index = ${ownRow(decode)};
    let row = make_row(work, work.first_row + index);
    let column = thread / ${tile.rows}u;
    ${takeSum(config, '', 'column', 0)}
    ${decode.hasIntegers && ownStep(decode)}
    ${rowsInRegisters(decode)}

    ${keyTileLoop(
      config,
      wgsl`
        ${loads(decode)}
        ${dots(decode)}
        workgroupBarrier();
        ${weights(decode)}
        workgroupBarrier();
        ${sums(decode)}
      `,
    )}

    ${results(decode)}
  `;
  return wgsl`
    ${arrays(decode)}

    ${decode.hasIntegers ? integerText : addDot}

    ${entryPoint(config, DECODE_THREADS, { name: 'thread', builtin: 'local_invocation_index' }, body)}
  `;
}

function arrays(decode: Decode): string {
  const { config, tile, v, width } = decode;
  const lengths = decodeArrays(config.headDimV, v.read.elements, tile);
  const array = (name: string, type: string, length: number, floats: number): string =>
    `var<workgroup> ${name}: array<${type}, ${length}>; // ${length * floats * 4} bytes`;
  return wgsl`
    ${array('scores', productType(decode), lengths.scores / width, width)}
    ${array('weights', 'f32', lengths.weights, 1)}
    ${array('columns', 'f32', DECODE_THREADS, 1)}
    ${array('factors', 'f32', tile.rows, 1)}
    ${array('team_sums', 'vec4<f32>', lengths.sums, 4)}
  `;
}

/** Whether its rows are loaded; those of a v in the memory of k are k's. */
const isRead = ({ name, loaded }: Side): boolean => name === loaded;

/** Declares where the lane's loads begin, its part of each query row as f32, and its sums. */
function rowsInRegisters(decode: Decode): string {
  const { tile, k, v } = decode;
  const rows = each(tile.rows);
  const starts = (side: Side): string[] =>
    each(side.loads)((c) => {
      const d = elementOf(decode, side, c);
      const end = lastOf(side.dim, side.read.elements);
      return `let ${side.name}_d${c} = ${isExact(decode, side) ? d : `min(${d}, ${end}u)`};`;
    });
  const halves = k.read.elements / 4;
  return wgsl`
    ${starts(k)}
    ${isRead(v) && starts(v)}
    ${rows(
      (r) => wgsl`
        let q_row${r} = q_row_offset(make_row(work, ${plus('work.first_row', r)}));
        ${each(k.vecs)((x) => {
          const d = elementOf(decode, k, Math.floor(x / halves), x % halves);
          if (isExact(decode, k)) return `let q${r}_${x} = read_q(q_row${r}, ${d}) * q_scale();`;
          const read = `read_q(q_row${r}, min(${d}, ${lastOf(k.dim, 4)}u)) * q_scale()`;
          return `let q${r}_${x} = select(vec4<f32>(), ${read}, ${d} < ${k.dim}u);`;
        })}
        ${decode.hasIntegers && integersOf(decode, r)}
        ${startValues(decode, r)}
      `,
    )}
  `;
}

/** Declares the lane's sums of row r: zeros, or what the row has of the shared keys, which the first team goes on from. */
function startValues(decode: Decode, r: number): string {
  const { config, v } = decode;
  const names = each(v.vecs);
  if (config.cascade?.pass !== 'suffix') {
    return names((x) => `var acc${r}_${x} = vec4<f32>();`).join('\n');
  }
  const halves = v.read.elements / 4;
  const end = lastOf(v.dim, 4);
  return wgsl`
    let row${r} = make_row(work, ${plus('work.first_row', r)});
    let kept_at${r} = state_at(row${r}, work.split);
    ${names((x) => {
      const d = elementOf(decode, v, Math.floor(x / halves), x % halves);
      return wgsl`
        var acc${r}_${x} = vec4<f32>();
        if (team == 0u && ${d} <= ${end}u) {
          acc${r}_${x} = ${takeValues(r, d)};
        }
      `;
    })}
  `;
}

/**
 * Loads the tile's rows, once if v lies in the memory of k: first all entries of lists and of the block table, then all rows. Keys beyond the sequence repeat its
 * last. Where a list names no key, key 0 is loaded, which may hold anything.
 */
function loads(decode: Decode): string {
  const { tile, k, v, teams, isSelected } = decode;
  const keys = each(tile.keysPerLane);
  const last = 'work.seq.k_len - 1u';
  return wgsl`
    ${isSelected && selectedKeys(decode)}
    ${keys(
      (i) => wgsl`
        let key${i} = ${isSelected ? `u32(max(named${i}, 0))` : `min(${plus('first_key + team', i * teams)}, ${last})`};
        let k_row${i} = k_row_offset(work.seq, head, key${i});
        ${isRead(v) && `let v_row${i} = v_row_offset(work.seq, head, key${i});`}
      `,
    )}
    ${k.read.isScaled && scales(decode, last)}
    ${[k, v]
      .filter(isRead)
      .map(({ name, read, loads: count }) =>
        keys((i) =>
          each(count)(
            (c) => `let ${name}${i}_${c} = ${read.load(`${name}_row${i}`, `${name}_d${c}`)};`,
          ),
        ),
      )}
  `;
}

// A scale multiplies a finished score or weight, which are fewer than the elements of a row.
function scales({ v, columns, scores, isSelected }: Decode, last: string): string {
  const key = (n: number): string =>
    isSelected
      ? `u32(max(score_key${n}, 0))`
      : `min(${plus('first_key + column', n * columns)}, ${last})`;
  const scaleOfValue = (n: number): string => {
    const scale = isRead(v) ? `scale_v(v_row_offset(work.seq, head, own_key${n}))` : `k_scale${n}`;
    return isSelected ? `select(0.0, ${scale}, score_key${n} >= 0)` : scale;
  };
  return each(scores)(
    (n) => wgsl`
      let own_key${n} = ${key(n)};
      let k_scale${n} = scale_k(k_row_offset(work.seq, head, own_key${n}));
      let v_scale${n} = ${scaleOfValue(n)};
    `,
  ).join('\n');
}

/** Declares the keys that the list names: those that the team loads, and those of the thread's scores; −1 is none. */
function selectedKeys({ tile, teams, scores, columns }: Decode): string[] {
  const key = (name: string, entry: string): string =>
    `let ${name} = selected_key(work, first_entry + ${entry});`;
  return [
    ...each(tile.keysPerLane)((i) => key(`named${i}`, plus('team', i * teams))),
    ...each(scores)((n) => key(`score_key${n}`, plus('column', n * columns))),
  ];
}

/** Sums the products of the team's keys and all query rows over the lanes, as far as shuffles reach, and stores them. */
function dots(decode: Decode): string {
  const { tile, k, tileN, width, groups } = decode;
  const { lanes, shuffled } = tile;
  const plane = shuffled === lanes ? '' : `lane / ${shuffled}u * ${tileN * groups}u + `;
  const keys = each(tile.keysPerLane);
  const stores = keys((i) =>
    each(groups)((g) => `scores[${plane}${placeOf(decode, i, groups, g)}] = s${i}_${g};`),
  );
  return wgsl`
    ${keys((i) => {
      const { text, dot } = decode.hasIntegers ? integerDot(k, i) : floatDot(k, i);
      return [
        ...text,
        ...each(groups)((g) => productsOf(decode, `s${i}_${g}`, (r) => dot(g * width + r))),
      ];
    })}
    ${powersOfTwo(1, shuffled).map((mask) =>
      keys((i) => each(groups)((g) => `s${i}_${g} += subgroupShuffleXor(s${i}_${g}, ${mask}u);`)),
    )}
    ${shuffled === 1 ? stores : guarded(`lane % ${shuffled}u == 0u`, stores.join('\n'))}
  `;
}

/** Returns the text that unpacks a key, and its product with the lane's part of row r. */
function floatDot(k: Side, i: number): { text: string[]; dot: (r: number) => string } {
  const { text, names } = unpacked(k, i);
  const dot = (r: number): string =>
    names.reduce((sum, name, x) => `add_dot(${sum}, q${r}_${x}, ${name})`, '0.0');
  return { text, dot };
}

const productsOf = (decode: Decode, name: string, dot: (r: number) => string): string =>
  decode.width === 1
    ? `var ${name} = ${dot(0)};`
    : wgsl`
        var ${name} = ${productType(decode)}(
          ${each(decode.width)((r) => `${dot(r)},`)}
        );
      `;

/** Returns the key of the thread's score n. */
const scoreKey = ({ columns, isSelected }: Decode, n: number): string =>
  isSelected ? `score_key${n}` : plus('key', n * columns, '');

/** Declares the scores of the thread's row and keys, final and in base 2. */
function finishedScores(decode: Decode): string {
  const { config, tile, k, tileN, width } = decode;
  const scores = each(decode.scores);
  const plane = tileN * tile.rows;
  const partial = (at: number): string =>
    width === 1
      ? `scores[${plus('thread', at)}]`
      : `scores[${bracketed('thread', at)} / ${width}u][thread % ${width}u]`;
  const sum = (n: number): string => {
    const partials = each(tile.lanes / tile.shuffled)((p) =>
      partial(n * DECODE_THREADS + p * plane),
    ).join(' + ');
    if (decode.hasIntegers) return `f32(${partials}) * (step * k_scale${n})`;
    return k.read.isScaled ? `(${partials}) * k_scale${n}` : partials;
  };
  const eachScore: EachScore = (statement) =>
    scores((n) =>
      statement({
        score: `s${n}`,
        scoreDerivative: '',
        row: 'row',
        key: scoreKey(decode, n),
      }),
    ).join('\n');
  const finish = tileScores(config.hooks, eachScore);
  if (plane >= DECODE_THREADS) {
    return wgsl`
      ${scores((n) => `var s${n} = ${sum(n)};`)}
      ${finish}
    `;
  }
  return wgsl`
    var s0 = MASKED;
    ${guarded(`thread < ${plane}u`, `s0 = ${sum(0)};\n${finish}`)}
  `;
}

/** Turns the thread's scores into weights, in the order in which they lie in memory: key by key, and row by row within a key. */
function weights(decode: Decode): string {
  const { config, tile, k, isSelected } = decode;
  const scores = each(decode.scores);
  const scale = (n: number): string => (k.read.isScaled ? ` * v_scale${n}` : '');
  return wgsl`
    ${!isSelected && 'let key = i32(first_key + column);'}
    ${finishedScores(decode)}
    var tile_max = ${scores((n) => `s${n}`).reduce((a, b) => `max(${a}, ${b})`)};
    ${overColumns(decode, 'tile_max', (x) => `max(tile_max, ${x})`)}
    let factor = softmax_rescale(&state, tile_max);
    ${scores((n) => `s${n} = softmax_weight(s${n}, state.row_max);`)}
    // A thread sums its own keys only; the columns meet in the end.
    state.row_sum += ${scores((n) => `s${n}`).join(' + ')};
    ${scores((n) => dropWeight(config.hooks, `s${n}`, { dropKey: 'row.drop_key', key: scoreKey(decode, n) }))}
    ${scores((n) => `weights[${plus('thread', n * DECODE_THREADS)}] = s${n}${scale(n)};`)}
    ${guarded(`thread < ${tile.rows}u`, 'factors[thread] = factor;')}
  `;
}

/** Adds the values of the team's keys to the lane's sums. */
function sums(decode: Decode): string {
  const { tile, v, isSelected } = decode;
  const rows = each(tile.rows);
  const weight = (i: number, r: number): string => `weights[${placeOf(decode, i, tile.rows, r)}]`;
  return wgsl`
    ${rows(
      (r) => wgsl`
        let factor${r} = factors[${r}];
        ${each(v.vecs)((x) => `acc${r}_${x} *= factor${r};`)}
      `,
    )}
    ${each(tile.keysPerLane)((i) => {
      const { text, names: values } = unpacked(v, i);
      const names = isSelected ? values.map((_, x) => `value${i}_${x}`) : values;
      return [
        ...text,
        ...(isSelected
          ? values.map(
              (value, x) => `let ${names[x]} = select(vec4<f32>(), ${value}, named${i} >= 0);`,
            )
          : []),
        ...rows((r) => [
          `let p${i}_${r} = vec4<f32>(${weight(i, r)});`,
          ...names.map((name, x) => `acc${r}_${x} = fma(p${i}_${r}, ${name}, acc${r}_${x});`),
        ]),
      ];
    })}
  `;
}

/** Sums up the columns' row sums and the teams' outputs, and stores each row. */
function results(decode: Decode): string {
  const { config, tile, v } = decode;
  const { rows, lanes } = tile;
  const halves = v.read.elements / 4;
  const stride = v.vecs * lanes;
  const out = Math.ceil(config.headDimV / 4);
  const place = (x: number): string => {
    const load = Math.floor(x / halves);
    const first = halves === 1 ? 'lane' : `lane * ${halves}u`;
    return plus(`team * ${stride}u + ${first}`, load * lanes * halves + (x % halves));
  };
  return wgsl`
    ${overColumns(decode, 'state.row_sum', (x) => `state.row_sum + ${x}`)}
    if (thread < ${rows}u && work.first_row + index < work.rows) {
      factors[thread] = finish_row(&state, row, work.split);
      write_lse(state, row, work.split);
    }
    ${each(rows)(
      (r) => wgsl`
        ${r > 0 && 'workgroupBarrier();'}
        ${each(v.vecs)((x) => `team_sums[${place(x)}] = acc${r}_${x};`)}
        workgroupBarrier();
        if (${plus('work.first_row', r)} < work.rows) {
          let out_row = out_row_offset(make_row(work, ${plus('work.first_row', r)}), work.split);
          for (var i = thread; i < ${out}u; i += ${DECODE_THREADS}u) {
            var sum = team_sums[i];
            for (var other = 1u; other < params.key_turns; other++) {
              sum += team_sums[i + other * ${stride}u];
            }
            write_out(out_row, i * 4u, sum * factors[${r}]);
          }
        }
      `,
    )}
  `;
}
