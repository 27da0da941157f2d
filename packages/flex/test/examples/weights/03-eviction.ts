import { keyMass, type ScoreMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { inputs, numbers } from './setup.ts';

// Rows look at the first key, which stands for a model's sink, and at those near them.
const withSink: ScoreMod = (score, b, h, q, kv) => (kv === 0 ? score + 1 : score - 2 * (q - kv));

const [q, k] = inputs(8);
// The last two rows stand for what comes next. Their positions are right, since the diagonal is tied to the end.
const last = q.slice(2, 6, 8);
const mass = keyMass(last, k, { scoreMod: withSink, maskMod: causal });
console.log((await numbers(mass)).slice(-3)); // [ 0.04, 0.293, 0.258 ]

const heaviest = Array.from(await mass.read(), (sum, key) => ({ sum, key }))
  .toSorted((a, b) => b.sum - a.sum)
  .slice(0, 4);
console.log(heaviest.map(({ key }) => key).toSorted((a, b) => a - b)); // [ 0, 5, 6, 7 ]
