import type { AdapterClass, Workload } from './workloads.ts';

// As uneven as real texts are, and short enough that programs that store a padded batch's scores finish in a second.
const texts = [389, 37, 203, 113, 5, 64, 97, 239];

/** What a server runs: decode, unequal lengths, a window, pages. */
export function servingRows(adapter: AdapterClass): Workload[] {
  const isSmall = adapter === 'page-cpu';
  const [past, seqlen] = isSmall ? [1024, 512] : [2048, 1024];
  const documents = isSmall ? texts.map((length) => Math.ceil(length / 4)) : texts;
  const lengths = `of ${Math.min(...documents)} to ${Math.max(...documents)} tokens`;
  return [
    {
      id: 'decode-f32',
      headline: true,
      title: `cached decode f32, Sq 1 past ${past}, 32/8 heads D64`,
      dtype: 'f32',
      layout: 'dense',
      causal: true,
      headsQ: 32,
      headsKv: 8,
      headDim: 64,
      sequences: [{ seqlenQ: 1, seqlenK: past + 1 }],
    },
    {
      id: 'varlen-f32',
      headline: true,
      title: `packed causal f32, 8 documents ${lengths}, 8/2 heads D64`,
      dtype: 'f32',
      layout: 'packed',
      causal: true,
      headsQ: 8,
      headsKv: 2,
      headDim: 64,
      sequences: documents.map((length) => ({ seqlenQ: length, seqlenK: length })),
    },
    {
      id: 'window-f32',
      title: `causal window of 128 f32, B1 S${seqlen} H4 D64`,
      dtype: 'f32',
      layout: 'dense',
      causal: true,
      window: 127,
      headsQ: 4,
      headsKv: 4,
      headDim: 64,
      sequences: [{ seqlenQ: seqlen, seqlenK: seqlen }],
    },
    {
      id: 'paged-decode-f16',
      title: `paged decode f16, 8 sequences ${lengths}, pages of 32, 32/8 heads D128`,
      dtype: 'f16',
      layout: 'paged',
      pageSize: 32,
      causal: true,
      headsQ: 32,
      headsKv: 8,
      headDim: 128,
      sequences: documents.map((length) => ({ seqlenQ: 1, seqlenK: length })),
    },
    {
      id: 'paged-prefill-f16',
      title: `paged causal prefill f16, 8 sequences ${lengths}, pages of 32, 8/2 heads D64`,
      dtype: 'f16',
      layout: 'paged',
      pageSize: 32,
      causal: true,
      headsQ: 8,
      headsKv: 2,
      headDim: 64,
      sequences: documents.map((length) => ({ seqlenQ: length, seqlenK: length })),
    },
  ];
}
