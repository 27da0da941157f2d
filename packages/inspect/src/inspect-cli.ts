import { readFile, writeFile } from 'node:fs/promises';
import { inspectKernels } from './amd/inspect-kernels.ts';
import { attentionCases, nvidiaCases } from './cases/attention-cases.ts';
import { callCases } from './cases/call-cases.ts';
import { onnxCases } from './cases/onnx-cases.ts';
import { type CompileContext, compileCases } from './compile/compile-cases.ts';
import { keepFiles } from './compile/kernel-files.ts';
import { type Options, parseOptions, usage } from './inspect-options.ts';
import { compileForNvidia } from './nvidia/compile-for-nvidia.ts';
import { architectureOf } from './nvidia/gpu-architecture.ts';
import { NoNvccError, nvccVersion } from './nvidia/nvcc.ts';
import { type Inspection, renderInspection } from './report/inspection.ts';
import { renderChanges } from './report/inspection-changes.ts';

const progress = (line: string): void => void process.stderr.write(`inspect: ${line}\n`);

/** Runs the command; resolves to its exit status: 0, 1 where nvcc is missing, 2 on a bad flag, 130 on Ctrl-C. */
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
    if (error instanceof NoNvccError) {
      progress(error.message);
      return 1;
    }
    if (!abort.signal.aborted) throw error;
    progress('interrupted');
    return 130;
  }
}

async function stored(file: string): Promise<Inspection> {
  return JSON.parse(await readFile(file, 'utf8')) as Inspection;
}

async function inspect(options: Options, context: CompileContext): Promise<Inspection> {
  const { family, nvidia, match, keep } = options;
  const architecture = nvidia === undefined ? undefined : architectureOf(nvidia);
  const compiler = architecture && (await nvccVersion());
  const all = [...(architecture ? nvidiaCases : attentionCases), ...callCases, ...onnxCases];
  const cases = all.filter(({ name }) => match.test(name));
  const device = { family, isNvidia: architecture !== undefined };
  using compiled = await compileCases(cases, device, context);
  const { kernels, refused } = architecture
    ? await compileForNvidia(compiled.kernels, architecture, context)
    : { kernels: inspectKernels(family, compiled.kernels), refused: [] };
  if (keep !== undefined) await keepFiles(compiled.kernels, keep);
  return {
    date: new Date().toISOString(),
    family: nvidia ?? family,
    driver: compiler ?? compiled.driver,
    kernels,
    refused: [...compiled.refused, ...refused],
  };
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
// Dawn's threads keep Node alive, so the process must exit; first the pipe of standard output must be written.
process.stdout.write('', () => process.exit());
