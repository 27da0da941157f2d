import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BoxCase } from '../../../src/gpu-box/box-cases.ts';
import { type Loaded, probesOf } from '../../../src/gpu-box/box-probes.ts';
import { LineProcess, openTorch, type Torch } from '../../../src/gpu-box/box-torch.ts';

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

const fake = fileURLToPath(new URL('fake-python.mjs', import.meta.url));
const long = 30_000;

describe('LineProcess', () => {
  let line: LineProcess;
  beforeEach(() => {
    line = new LineProcess(process.execPath, [fake, 'cpu']);
  });
  afterEach(() => line.close());

  test('gets an answer to each question, in order', async () => {
    const [first, second] = await Promise.all([
      line.ask({ op: 'time', calls: 3 }, long),
      line.ask({ op: 'time', calls: 5 }, long),
    ]);
    expect([first, second]).toEqual([
      { ms: 6, gpuMs: 1 },
      { ms: 10, gpuMs: 1 },
    ]);
  });

  test('rejects with what the program says went wrong, and goes on', async () => {
    const other = new LineProcess(process.execPath, [fake, 'cuda']);
    await expect(other.ask({ op: 'hello' }, long)).rejects.toThrow('finds no CUDA device');
    await expect(other.ask({ op: 'release' }, long)).resolves.toEqual({});
    other.close();
  });

  test('rejects what is no JSON', async () => {
    await expect(line.ask({ op: 'garble' }, long)).rejects.toThrow('not an answer: what?');
  });

  test('tells how the program ended and its last words, then and later', async () => {
    await expect(line.ask({ op: 'exit' }, long)).rejects.toThrow(
      /exit status 3\): MemoryError: no more/,
    );
    await expect(line.ask({ op: 'hello' }, long)).rejects.toThrow('exit status 3');
  });

  test('waits no longer than it should', async () => {
    await expect(line.ask({ op: 'silence' }, 100)).rejects.toThrow('no answer in 0.1 s');
  });

  test('a program that is not there is a reason too', async () => {
    const none = new LineProcess('no-such-python', []);
    await expect(none.ask({ op: 'hello' }, long)).rejects.toThrow(/no-such-python.*ENOENT/);
  });
});
