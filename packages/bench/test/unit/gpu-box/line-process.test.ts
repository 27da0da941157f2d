import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LineProcess } from '../../../src/gpu-box/line-process.ts';

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
