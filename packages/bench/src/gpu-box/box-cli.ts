import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeedError } from '@heed/core';
import { firstLine } from '../measure/first-use.ts';
import { type BoxReport, isMeasured, renderMarkdown } from './box-report.ts';
import { type BoxOptions, parseBoxOptions, runBox, usage } from './run-box.ts';

const progress = (line: string): void => void process.stderr.write(`gpu-box: ${line}\n`);

/** Runs the command; resolves to its exit status: 0, 1 if heed is wrong or fails, 2 on a bad flag, 130 on Ctrl-C. */
async function main(args: readonly string[]): Promise<number> {
  let options: BoxOptions;
  try {
    options = parseBoxOptions(args);
  } catch (error) {
    progress(`${firstLine(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    const report = await runBox(options, { signal: abort.signal, progress });
    const files = await save(report, options.out);
    process.stdout.write(`${renderMarkdown(report)}\nWritten: ${files.join(', ')}\n`);
    return heedIsRight(report) ? 0 : 1;
  } catch (error) {
    progress(firstLine(error));
    if (abort.signal.aborted) return 130;
    if (!HeedError.is(error)) throw error;
    return 1;
  }
}

async function save(report: BoxReport, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files = {
    'gpu-box.json': `${JSON.stringify(report, null, 2)}\n`,
    'gpu-box.md': `${renderMarkdown(report)}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return Object.keys(files).map((name) => join(folder, name));
}

function heedIsRight({ conformance, cases }: BoxReport): boolean {
  const passes = conformance.every(({ counts }) => counts.fail === 0);
  return passes && cases.every(({ heed }) => isMeasured(heed) && heed.right);
}

// Mesa keeps compiled shaders between runs, which would make first use look free.
process.env['MESA_SHADER_CACHE_DISABLE'] ??= 'true';
process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive; standard output may be a pipe that is still being written.
process.stdout.write('', () => process.exit());
