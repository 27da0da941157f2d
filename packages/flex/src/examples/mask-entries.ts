import * as masks from '../masks/index.ts';
import { type ExampleTable, mask, table, type Tightness, type Unnamed } from './catalogue-entry.ts';

/** The bits of every node of a tree and of its ancestors. Parents precede their children, the root is its own. */
function ancestorBits(parents: readonly number[]): ExampleTable {
  const isAncestor = (node: number, other: number): boolean =>
    node === other || (node !== parents[node] && isAncestor(parents[node]!, other));
  const bit = (node: number, other: number): number =>
    other < parents.length && isAncestor(node, other) ? 1 << (other & 31) : 0;
  const bits = (node: number, word: number): number =>
    Array.from({ length: 32 }, (_, i) => bit(node, 32 * word + i)).reduce((a, b) => a | b);
  return table([parents.length, Math.ceil(parents.length / 32)], bits, 'i32');
}

const drafted = ancestorBits([0, 0, 0, 0, 3, 3, 3, 2, 6, 0, 7, 7, 7, 10, 7, 14, 0, 5, 6, 16]);
const binaryTree = ancestorBits(
  Array.from({ length: 70 }, (_, i) => Math.max(0, Math.floor((i - 1) / 2))),
);
const documents = table([131], (i) => Math.floor(i / 23), 'i32');
const growing = table([96], (i) => Math.floor(Math.sqrt(i)), 'i32');

const exact: Tightness = { full: 1, empty: 1, hasRange: true };
/** No block of the example is full. */
const noneFull: Tightness = { empty: 1, hasRange: true };

// What bounds miss: blocks that are full by one condition for some pairs and by another for the rest, blocks with queries of
// both copies, blocks that begin and end in different rows of a grid or draw by different hashes, and the inside of a tree. Of tables they know the least and the largest elements of aligned groups of 32.
export const maskEntries: Readonly<Record<string, Unnamed>> = {
  causal: mask(masks.causal, {
    about: 'the keys up to itself',
    captures: '',
    source: '`attn_gym/masks/causal.py`',
    picture: { length: 4, captures: {} },
    page: {},
    cases: [[{}, exact]],
  }),
  slidingWindow: mask(masks.slidingWindow, {
    about: 'itself and `window` keys before',
    captures: '`window`',
    source: 'Longformer (arXiv 2004.05150)',
    picture: { length: 5, captures: { window: 2 } },
    page: { window: 16 },
    cases: [
      [{ window: 21 }, exact],
      [{ window: 0 }, noneFull],
    ],
  }),
  dilatedWindow: mask(masks.dilatedWindow, {
    about: 'every `dilation`-th key, on both sides',
    captures: '`window`, `dilation`',
    source: 'Longformer (arXiv 2004.05150)',
    picture: { length: 7, captures: { window: 4, dilation: 2 } },
    page: { window: 24, dilation: 4 },
    cases: [
      [
        { window: 40, dilation: 3 },
        { ...noneFull, empty: 0.98 },
      ],
      [{ window: 12, dilation: 3 }, noneFull],
      [{ window: 40, dilation: 1 }, exact],
    ],
  }),
  prefixLm: mask(masks.prefixLm, {
    about: 'the prefix, and the keys up to itself',
    captures: '`prefix` [B]',
    source: 'T5 (arXiv 1910.10683)',
    picture: { length: 4, captures: { prefix: [2] } },
    page: { prefix: [20] },
    cases: [[{ prefix: table([4], (b) => [20, 0, 64, 7][b]!, 'i32') }, exact]],
  }),
  document: mask(masks.document, {
    about: 'its own document',
    captures: '`id` [L]',
    source: '`attn_gym/masks/document_mask.py`',
    picture: { length: 5, captures: { id: [0, 0, 1, 1, 1] } },
    page: { id: table([1024], (i) => Math.floor(i / 20), 'i32') },
    cases: [
      [{ id: documents }, { ...exact, hasRange: false, ragged: 0.55 }],
      [{ id: growing }, { ...exact, hasRange: false, ragged: 0.55 }],
    ],
  }),
  globalPlusWindow: mask(masks.globalPlusWindow, {
    about: 'a window, and some positions that all see',
    captures: '`globals`, `window`',
    source: 'BigBird (arXiv 2007.14062)',
    picture: { length: 5, captures: { globals: 1, window: 1 } },
    page: { globals: 4, window: 8 },
    cases: [
      [
        { globals: 3, window: 9 },
        { full: 0.95, empty: 1, hasRange: true, ragged: 0.95 },
      ],
      [
        { globals: 10, window: 17 },
        { full: 0.95, empty: 1, hasRange: true },
      ],
    ],
  }),
  sharedPrefix: mask(masks.sharedPrefix, {
    about: 'a common prefix, and its own continuation',
    captures: '`prefix`, `id` [L]',
    source: '`attn_gym/masks/shared_prefix.py`',
    picture: { length: 6, captures: { prefix: 2, id: [0, 0, 1, 1, 2, 2] } },
    page: {
      prefix: 16,
      id: table([1024], (i) => Math.floor((i - 16) / 12), 'i32'),
    },
    cases: [
      [
        { prefix: 17, id: documents },
        { ...exact, full: 0.85, ragged: 0.79 },
      ],
      [
        { prefix: 30, id: growing },
        { ...exact, full: 0.85, ragged: 0.85 },
      ],
    ],
  }),
  blockDiagonal: mask(masks.blockDiagonal, {
    about: 'its own block',
    captures: '`blockSize`',
    source: "FlashAttention's mask tests",
    picture: { length: 5, captures: { blockSize: 2 } },
    page: { blockSize: 12 },
    cases: [
      [{ blockSize: 24 }, exact],
      [{ blockSize: 5 }, noneFull],
    ],
  }),
  tree: mask(masks.tree, {
    about: 'its ancestors among drafted tokens',
    captures: '`ancestors`, `prefix?`',
    source: 'SpecInfer (arXiv 2305.09781)',
    picture: {
      length: 6,
      captures: { prefix: 2, ancestors: [[0b0001], [0b0011], [0b0101], [0b1011]] },
    },
    page: {
      prefix: 49,
      // A binary tree of 15 drafted tokens: the bits of a node and of its ancestors.
      ancestors: table([15, 1], (node) => {
        let bits = 0;
        let at = node;
        for (let i = 0; i < 4; i++) {
          bits |= 1 << at;
          at = Math.max(0, (at - 1) >> 1);
        }
        return bits;
      }),
    },
    cases: [
      [{ ancestors: drafted }, { ...exact, empty: 0.66, ragged: 0.77 }],
      [
        { ancestors: binaryTree, prefix: 26 },
        { ...exact, empty: 0.86, ragged: 0.6 },
      ],
      [{ ancestors: binaryTree }, { ...exact, empty: 0.86, ragged: 0.8 }],
    ],
  }),
  natten2d: mask(masks.natten2d, {
    about: 'the square around it in a grid',
    captures: '`height`, `width`, `kernel`',
    source: 'NATTEN (arXiv 2204.07143)',
    picture: { length: 12, captures: { height: 3, width: 4, kernel: 3 }, rows: [0, 2] },
    page: { height: 128, width: 8, kernel: 3 },
    cases: [
      [
        { height: 11, width: 9, kernel: 5 },
        { ...noneFull, empty: 0.97 },
      ],
      [{ height: 12, width: 8, kernel: 5 }, noneFull],
      [{ height: 2, width: 48, kernel: 24 }, exact],
    ],
  }),
  blockDiffusion: mask(masks.blockDiffusion, {
    about: 'its own noised block, and the clean blocks before it',
    captures: '`length`, `blockSize`',
    source: 'BD3-LM (arXiv 2503.09573)',
    picture: { length: 8, captures: { length: 4, blockSize: 2 } },
    page: { length: 32, blockSize: 8 },
    cases: [
      [
        { length: 48, blockSize: 12 },
        { full: 0.97, empty: 0.95, hasRange: true, ragged: 0.95 },
      ],
      [
        { length: 40, blockSize: 16 },
        { full: 0.76, empty: 0.95, hasRange: true, ragged: 0.96 },
      ],
    ],
  }),
  natten3d: mask(masks.natten3d, {
    about: 'the box around it in a grid of three dimensions',
    captures: '`depth`, `height`, `width`, `kernelDepth`, `kernelHeight`, `kernelWidth`',
    source: 'NATTEN (arXiv 2204.07143)',
    picture: {
      length: 18,
      captures: { depth: 3, height: 2, width: 3, kernelDepth: 2, kernelHeight: 1, kernelWidth: 2 },
      rows: [0, 1, 2, 3, 12],
    },
    page: { depth: 16, height: 8, width: 8, kernelDepth: 3, kernelHeight: 3, kernelWidth: 3 },
    cases: [
      [
        { depth: 4, height: 4, width: 6, kernelDepth: 3, kernelHeight: 3, kernelWidth: 5 },
        noneFull,
      ],
      [{ depth: 4, height: 2, width: 12, kernelDepth: 3, kernelHeight: 2, kernelWidth: 12 }, exact],
    ],
  }),
  windowPartition: mask(masks.windowPartition, {
    about: 'its own window of a grid',
    captures: '`width`, `window`, `shift?`',
    source: 'Swin Transformer (arXiv 2103.14030)',
    picture: {
      length: 12,
      captures: { width: 4, window: 2, shift: 1 },
      rows: [0, 1, 3, 4, 5],
    },
    page: { width: 8, window: 4, shift: 2 },
    cases: [
      [{ width: 8, window: 4 }, noneFull],
      [
        { width: 11, window: 5, shift: 2 },
        { ...noneFull, empty: 0.97, ragged: 0.98 },
      ],
      [
        { width: 32, window: 16, shift: 8 },
        { ...exact, empty: 0.75 },
      ],
    ],
  }),
  slidingTile: mask(masks.slidingTile, {
    about: 'the tiles around its own in a grid of tiles, and text',
    captures:
      '`tileSize`, `height`, `width`, `kernelHeight`, `kernelWidth`, `depth?`, `kernelDepth?`',
    source: 'Sliding Tile Attention (arXiv 2502.04507)',
    picture: {
      length: 8,
      captures: { tileSize: 2, height: 1, width: 3, kernelHeight: 1, kernelWidth: 2 },
    },
    page: { tileSize: 4, height: 4, width: 4, kernelHeight: 3, kernelWidth: 3 },
    cases: [
      [
        { tileSize: 6, height: 3, width: 5, kernelHeight: 3, kernelWidth: 3 },
        { ...exact, full: 0.96 },
      ],
      [
        {
          tileSize: 8,
          depth: 3,
          height: 2,
          width: 2,
          kernelDepth: 1,
          kernelHeight: 2,
          kernelWidth: 1,
        },
        { ...exact, empty: 0.96 },
      ],
    ],
  }),
  flamingo: mask(masks.flamingo, {
    about: 'the images whose intervals it is in',
    captures: '`intervals` [images, 2], `tokensPerImage`',
    source: 'Flamingo (arXiv 2204.14198)',
    picture: {
      length: 6,
      captures: {
        tokensPerImage: 2,
        intervals: [
          [0, 4],
          [1, 4],
          [4, 6],
        ],
      },
    },
    page: {
      tokensPerImage: 16,
      intervals: table([4, 2], (image, side) => 4 + 15 * (image + side)),
    },
    cases: [
      [
        {
          tokensPerImage: 17,
          intervals: table([6, 2], (i, side) => 20 * (i + side) - (i === 1 ? 15 : 5), 'i32'),
        },
        { full: 1, empty: 0.95, hasRange: false },
      ],
    ],
  }),
  randomBlocks: mask(masks.randomBlocks, {
    about: '`count` blocks drawn by a hash',
    captures: '`seed`, `blockSize`, `count`',
    source: 'BigBird (arXiv 2007.14062)',
    picture: { length: 12, captures: { seed: 7, blockSize: 2, count: 2 } },
    page: { seed: 1, blockSize: 8, count: 3 },
    cases: [
      [
        { seed: 11, blockSize: 32, count: 2 },
        { full: 0.91, empty: 0.89, hasRange: false, ragged: 0.57 },
      ],
      [
        { seed: -5, blockSize: 16, count: 1 },
        { full: 1, empty: 0.82, hasRange: false, ragged: 0.25 },
      ],
    ],
  }),
};
