// Stands for Python in tests of the line: answers as torch_peer.py does, from the name of what it is asked.
import { createInterface } from 'node:readline';

const device = process.argv.at(-1);
const zeros = (n) => Buffer.from(new Float32Array(n).buffer).toString('base64');

const answers = {
  hello: () =>
    device === 'cpu'
      ? { torch: '9.9', device: 'a fake', cuda: 'none' }
      : { error: 'RuntimeError: torch 9.9 finds no CUDA device' },
  limits: () => ({ teraflops: 100, n: 8, gigabytes: 1000 }),
  load: ({ case: { id, headDim }, probes }) =>
    id === 'refused'
      ? { unsupported: 'not this one' }
      : {
          how: 'a fake call',
          samples: probes.map(({ rowStart, rowEnd }) => zeros((rowEnd - rowStart) * headDim)),
        },
  time: ({ calls }) => ({ ms: 2 * calls, gpuMs: 1 }),
  release: () => ({}),
  garble: () => undefined,
  silence: () => null,
  exit: () => {
    process.stderr.write('first line\nMemoryError: no more\n');
    process.exit(3);
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line);
  const answer = answers[question.op](question);
  if (answer === null) return;
  process.stdout.write(answer === undefined ? 'what?\n' : `${JSON.stringify(answer)}\n`);
});
