import { bind, flexAttention } from '@heed/flex';
import { tree } from '@heed/flex/masks';
import { PagedKvCache, rotate } from '@heed/kvcache';
import { gpu, numbers, read, rows, shape } from './setup.ts';

const cache = await PagedKvCache.create(gpu, { ...shape, pageSize: 4, pages: 16 });
const sequence = cache.open();
const [sums] = await read(cache, [sequence], [[1, 2, 3]]);
sequence.commit([1, 2, 3]);

// The first node is the model's own choice; all others are guesses. Parents come first; −1 is the prompt.
const drafted = [
  { token: sums!.at(-1)! % 10, parent: -1 },
  { token: 2, parent: 0 },
  { token: 9, parent: 0 },
  { token: 0, parent: 1 },
  { token: 4, parent: 1 },
  { token: 7, parent: 4 },
];
const depths: number[] = [];
const bits: number[] = []; // bit m of a node: m is the node or one of its ancestors
for (const [node, { parent }] of drafted.entries()) {
  depths.push(parent < 0 ? 0 : depths[parent]! + 1);
  bits.push((parent < 0 ? 0 : bits[parent]!) | (1 << node));
}

// One step reads the whole tree. Nodes of one depth are at one position, and each sees its own path alone.
const from = sequence.length;
const positions = Int32Array.from(depths, (depth) => sequence.nextPosition + depth);
const table = (f: (x: number) => number) =>
  gpu.tensor(
    Array.from({ length: 64 }, (_, position) => f(position)),
    { shape: [64, 1] },
  );
const rotary = { cos: table(Math.cos), sin: table(Math.sin), positions };
const zeros = rows(drafted.map(() => 0)); // a model's keys are not zero: they need the rotation
cache.append(0, [sequence], zeros, rows(drafted.map(({ token }) => token)), { rotary });
const ancestors = gpu.tensor(bits, { shape: [drafted.length, 1], dtype: 'i32' });
const maskMod = bind(tree, { ancestors });
const { out } = flexAttention(rotate(gpu, zeros, rotary), cache.view(0, [sequence]), { maskMod });
const means = await numbers(out);
const choices = means.map((mean, node) => Math.round(mean * (from + depths[node]! + 1)) % 10);

// Follow the model's choices from the first node on.
const path: number[] = [];
for (let node = 0; node >= 0;) {
  path.push(node);
  node = drafted.findIndex((x) => x.parent === path.at(-1) && x.token === choices[path.at(-1)!]);
}
sequence.keep(
  path.map((node) => from + node),
  { from },
);
const accepted = path.map((node) => drafted[node]!.token);
sequence.commit(accepted);
console.log(accepted, choices[path.at(-1)!]); // [ 6, 2, 4 ] 8
console.log(sequence.length, sequence.nextPosition); // 6 6

// The next step continues as if nothing else had been read.
const [next] = await read(cache, [sequence], [[8]]);
console.log(next); // [ 26 ]
cache.dispose();
