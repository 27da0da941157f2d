import type { CellRun } from '../cell/cell.ts';
import { costs } from '../cost/constants.ts';
import { Sheet, type SheetLine } from '../cost/sheet.ts';
import type { Trace } from '../trace/trace.ts';
import { runFigures } from './run-figures.ts';

/** What the simulation of one cell found, for the sheet. */
export interface CellFindings {
  readonly workers: number;
  /** Requests a second that the trace brings, and the tokens of their prompts. */
  readonly requestsPerSecond: number;
  readonly promptTokens: number;
  /** Share of the prompt tokens found in pages, and loaded from the store. */
  readonly hitRate: number;
  readonly loadedRate: number;
  readonly eventsPerSecond: number;
}

/**
 * A cell of ten workers with pages for 3 million tokens each under Mooncake's conversations, as
 * `npm run sim -- policies --trace conversation_trace.jsonl` finds it for leastTtft.
 */
export const conversationCell: CellFindings = {
  workers: 10,
  requestsPerSecond: 3.4015,
  promptTokens: 12_035,
  hitRate: 0.327,
  loadedRate: 0,
  eventsPerSecond: 93.9,
};

export function cellFindings(trace: Trace, workers: number, run: CellRun): CellFindings {
  const { hitRate, loadedRate, eventsPerSecond } = runFigures('', workers, run);
  const { requests } = trace;
  const tokens = requests.reduce((sum, { inputTokens }) => sum + inputTokens, 0);
  return {
    workers,
    requestsPerSecond: requests.length / requests.at(-1)!.at,
    promptTokens: tokens / requests.length,
    hitRate,
    loadedRate,
    eventsPerSecond,
  };
}

/** Returns what a billion users would take, in independent cells; every number with its origin. */
export function userSheet(cell: CellFindings): readonly SheetLine[] {
  const sheet = new Sheet();
  const users = sheet.given('users', 1e9, '', 'assumed', 'the question');
  const daily = sheet.given('requests of a user', 5, '1/day', 'assumed', 'a habit, not a record');
  const peak = sheet.given('peak', 2.5, '× the mean', 'assumed', 'one time zone awake at a time');
  const rate = sheet.follows(
    'requests at the peak',
    (users * daily * peak) / 86_400,
    '1/s',
    'users · requests of a user · peak / 86,400 s',
  );
  const input = sheet.given('prompt', 1155, 'tokens', 'published', AZURE);
  const output = sheet.given('answer', 211, 'tokens', 'published', AZURE);
  const weights = sheet.given('weights', 1.24e9, '', 'published', 'Llama 3.2 1B, its model card');
  const uncached = sheet.follows(
    'share of a prompt that is computed',
    1 - cell.hitRate - cell.loadedRate,
    '',
    'the simulated cell: 1 − found − loaded',
  );
  computing(sheet, { rate, input, weights, uncached });
  answering(sheet, { rate, input, output, weights });
  cells(sheet, cell, rate * input);
  return sheet.lines;
}

const AZURE = 'mean of AzureLLMInferenceTrace_conv (Azure/AzurePublicDataset, CC-BY-4.0)';

function computing(
  sheet: Sheet,
  of: { rate: number; input: number; weights: number; uncached: number },
): void {
  const flops = sheet.follows(
    'work of prompts at the peak',
    of.rate * of.input * of.uncached * 2 * of.weights,
    'FLOP/s',
    'requests · prompt · share computed · 2 · weights',
  );
  const speed = sheet.given('speed of prompts', 400e12, 'FLOP/s', 'assumed', 'a GPU of 2024, f16');
  sheet.follows('GPUs for prompts', flops / speed, '', 'work of prompts / speed of prompts');
}

function answering(
  sheet: Sheet,
  of: { rate: number; input: number; output: number; weights: number },
): void {
  const tokens = sheet.follows(
    'tokens of answers at the peak',
    of.rate * of.output,
    '1/s',
    'requests · answer',
  );
  const batch = sheet.given('answers in a step', 256, '', 'assumed', 'what engines run at once');
  const bandwidth = sheet.given(
    'memory of a GPU',
    3.8e12,
    'B/s',
    'assumed',
    '0.8 · 4.8 TB/s, H200',
  );
  const bytes = sheet.follows(
    'bytes of a step',
    2 * of.weights + batch * (of.input + of.output / 2) * costs.bytesPerToken.value,
    'B',
    '2 · weights + answers · (prompt + answer / 2) · 32 KiB',
  );
  const speed = sheet.follows(
    'tokens of a GPU',
    (batch * bandwidth) / bytes,
    '1/s',
    'answers · memory / bytes of a step',
  );
  sheet.follows('GPUs for answers', tokens / speed, '', 'tokens of answers / tokens of a GPU');
}

function cells(sheet: Sheet, cell: CellFindings, promptTokens: number): void {
  const served = sheet.follows(
    'prompt tokens of a cell',
    cell.requestsPerSecond * cell.promptTokens,
    '1/s',
    `the simulated cell of ${cell.workers} workers at 8,000 tokens/s each`,
  );
  sheet.follows('cells', promptTokens / served, '', 'requests · prompt / prompt tokens of a cell');
  const loaded = sheet.follows(
    'traffic of a cell’s store',
    served * cell.loadedRate * costs.bytesPerToken.value,
    'B/s',
    'prompt tokens · share loaded · 32 KiB',
  );
  const core = sheet.given('a core of the store', 1.5e9, 'B/s', 'measured', 'valkey-server 8.0.1');
  sheet.follows('cores of the store', loaded / core, '', 'traffic / a core of the store');
  sheet.follows(
    'events of a cell',
    cell.eventsPerSecond,
    '1/s',
    'the simulated cell, pages of 512 tokens',
  );
}
