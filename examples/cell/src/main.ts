// `node --conditions=@heed/source examples/cell/src/main.ts --model FOLDER`: a cell of workers on this machine, at 127.0.0.1:8080.
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runProgram, wholeNumber } from '@heed/llm/program';
import { Cell } from './cell.ts';

const USAGE = `node --conditions=@heed/source examples/cell/src/main.ts --model FOLDER
  --model FOLDER     a published checkpoint, as for examples/server
  --workers N        default 2
  --port P           of the front, default 8080; workers take the ports behind it
  --cache-bytes N    memory of each worker for keys and values (default 1 GiB)
  --valkey PROGRAM   default valkey-server
`;

const text = { type: 'string' } as const;
const read = () =>
  parseArgs({
    options: {
      model: text,
      workers: { ...text, default: '2' },
      port: { ...text, default: '8080' },
      'cache-bytes': { ...text, default: String(2 ** 30) },
      valkey: { ...text, default: 'valkey-server' },
      help: { type: 'boolean', default: false },
    },
  }).values;

runProgram(async () => {
  const values = read();
  const { model } = values;
  if (values.help || model === undefined) {
    process.stderr.write(USAGE);
    process.exitCode = values.help ? 0 : 2;
  } else {
    const cell = await Cell.start({
      model,
      name: basename(resolve(model)),
      workers: wholeNumber('workers', values.workers, 1),
      port: wholeNumber('port', values.port, 0, 65_535),
      cacheBytes: wholeNumber('cache-bytes', values['cache-bytes'], 1),
      valkey: values.valkey,
      say: (line) => process.stderr.write(`${line}\n`),
    });
    const stop = async (): Promise<void> => {
      await cell.stop();
      process.exit(0);
    };
    process.once('SIGINT', () => void stop());
    process.once('SIGTERM', () => void stop());
  }
});
