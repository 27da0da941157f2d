import { readFile, writeFile } from 'node:fs/promises';
import { inspectKernels } from './amd/inspect-kernels.ts';
import { attentionCases } from './cases/attention-cases.ts';
import { onnxCases } from './cases/onnx-cases.ts';
import { type CompileContext, compileCases } from './compile/compile-cases.ts';
import { keepFiles, removeFiles } from './compile/kernel-files.ts';
import { type Options, parseOptions, usage } from './inspect-options.ts';
import { type Inspection, renderInspection } from './report/inspection.ts';
import { renderChanges } from './report/inspection-changes.ts';

const progress = (line: string): void => void process.stderr.write(`inspect: ${line}\n`);

/** Runs the command; resolves to its exit status: 0, 2 on a bad flag, 130 on Ctrl-C. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
  } catch (error) {
    progress(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) return print(usage);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort(new Error('interrupted')));
  try {
    // Read first, since --json may name the same file.
    const before = options.compare === undefined ? undefined : await stored(options.compare);
    const inspection = await inspect(options, { signal: abort.signal, progress });
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(inspection)}\n`);
    print(renderInspection(inspection));
    return before ? print(`\n${renderChanges(before, inspection)}`) : 0;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    progress('interrupted');
    return 130;
  }
}

async function stored(file: string): Promise<Inspection> {
  return JSON.parse(await readFile(file, 'utf8')) as Inspection;
}

async function inspect(
  { family, match, keep }: Options,
  context: CompileContext,
): Promise<Inspection> {
  const cases = [...attentionCases, ...onnxCases].filter(({ name }) => match.test(name));
  const compiled = await compileCases(cases, family, context);
  const { driver, refused, folder } = compiled;
  const kernels = inspectKernels(family, compiled.kernels);
  if (keep !== undefined) await keepFiles(compiled.kernels, keep);
  await removeFiles(folder);
  return { date: new Date().toISOString(), family, driver, kernels, refused };
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive, so the process must exit; first the pipe of standard output must be written.
process.stdout.write('', () => process.exit());
