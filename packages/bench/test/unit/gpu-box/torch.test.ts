import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { BoxCase } from '../../../src/gpu-box/case.ts';
import { probesOf } from '../../../src/gpu-box/probe.ts';
import type { Loaded } from '../../../src/gpu-box/program.ts';
import { openTorch, type Torch } from '../../../src/gpu-box/torch.ts';

const script = fileURLToPath(new URL('fake-python.mjs', import.meta.url));
// Node runs the fake as Python would run the script: `python script device`.
const python = process.execPath;
const boxCase: BoxCase = {
  id: 'small',
  title: 'small',
  pass: 'forward',
  batch: 1,
  headsQ: 1,
  headsKv: 1,
  seqlenQ: 4,
  seqlenK: 4,
  headDim: 8,
  causal: true,
};

describe('openTorch', () => {
  let torch: Torch | undefined;
  afterEach(() => torch?.close());

  test('loads, times and releases a case', async () => {
    torch = await openTorch({ python, script, device: 'cpu' });
    expect(torch.versions).toEqual({ torch: '9.9', device: 'a fake', cuda: 'none' });
    expect(await torch.limits()).toEqual({ teraflops: 100, n: 8, gigabytes: 1000 });
    const loaded = (await torch.load(boxCase, probesOf(boxCase))) as Loaded;
    expect(loaded.how).toBe('a fake call');
    expect(loaded.samples).toEqual([new Float32Array(4 * 8)]);
    expect(await loaded.time(7)).toEqual({ ms: 14, gpuMs: 1 });
    await loaded.dispose();
  });

  test('hands on why a case is not supported', async () => {
    torch = await openTorch({ python, script, device: 'cpu' });
    const outcome = await torch.load({ ...boxCase, id: 'refused' }, []);
    expect(outcome).toEqual({ unsupported: 'not this one' });
  });

  test('rejects with the reason where there is no card', async () => {
    await expect(openTorch({ python, script })).rejects.toThrow(/finds no CUDA device/);
  });
});
