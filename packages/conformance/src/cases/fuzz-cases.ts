import type { Check } from '../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../problems/launch-backward.ts';
import { launch, type LaunchOptions } from '../problems/launch-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import { listContents, poisonUnselected, withLists } from '../problems/selected-problem.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { type Random, random } from '../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../reference/reference-problem.ts';
import { headsOf } from '../reference/sequences.ts';
import { areRight } from './backward/gradient-case.ts';
import { defineCase, type RunnableCase, type Tier } from './shared/case.ts';
import { isRight } from './shared/expected-results.ts';

/** Returns a random element of a list. */
const pick = <T>(source: Random, ...list: readonly T[]): T => list[source.below(list.length)] as T;

/** Returns random lengths, many of them 0, 1, or next to a tile edge. */
function lengths(source: Random, count: number): number[] {
  return Array.from({ length: count }, () =>
    pick(source, 0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 65, source.below(100)),
  );
}

/** Returns random options. All are data of a call, so that every seed shares the pipelines of its layout. */
function anyOptions(source: Random, heads: number): ReferenceOptions {
  const maybe = (): boolean => source.below(2) === 0;
  return {
    ...(maybe() && { causal: true }),
    ...(maybe() && { window: [source.below(60) - 1, source.below(60) - 1] as const }),
    ...(maybe() && { align: pick(source, 'start' as const, 'end' as const) }),
    ...(maybe() && { scale: 0.3 * source.normal() }),
    ...(maybe() && { sinks: normal([heads], source, 'f32', 2) }),
  };
}

/** Builds a random problem of any layout. */
function anyProblem(source: Random, dtype: FloatDType): ReferenceProblem {
  const heads = pick<readonly [number, number]>(source, [1, 1], [4, 2], [4, 1], [3, 3], [6, 2]);
  const count = 1 + source.below(12);
  const base = { dtype, heads, seed: source.below(1e6), options: anyOptions(source, heads[0]) };
  const used = lengths(source, count);
  switch (pick(source, 'dense', 'packed', 'slots', 'paged')) {
    case 'dense': {
      const lk = 100;
      return denseProblem({
        ...base,
        batch: count,
        kvBatch: pick(source, 1, count),
        lq: 1 + source.below(40),
        lk,
        seqUsedK: used,
      });
    }
    case 'packed':
      return packedProblem({
        ...base,
        qLens: lengths(source, count),
        kLens: used,
        spareRows: [source.below(9), source.below(9)],
      });
    case 'slots': {
      const kLens = used.map((n) => n + source.below(20));
      return packedProblem({ ...base, qLens: lengths(source, count), kLens, used });
    }
    case 'paged': {
      const pages = pick(source, 'permuted' as const, 'shared' as const);
      return pagedProblem({
        ...base,
        qLens: lengths(source, count),
        used,
        pageSize: 1 + source.below(40),
        pages,
      });
    }
  }
}

/** Poisoned random problems, launched in random ways, against float64. */
function forwardRounds(first: number, count: number, tier: Tier): RunnableCase[] {
  return defineCase('fuzz', `seeds-${first}-to-${first + count - 1}`, {
    tier,
    tags: ['browser'],
    async run(gpu, dtype, signal) {
      const checks = [];
      for (let seed = first; seed < first + count; seed++) {
        signal?.throwIfAborted();
        const source = random(seed);
        const problem = poisonUnused(anyProblem(source, dtype), pick(source, NaN, Infinity));
        const options: LaunchOptions = {
          numSplits: pick<number | 'auto'>(source, 'auto', 1, 2, 5),
          gpuLengths: source.below(2) === 0,
          placement: pick(source, 'contiguous' as const, 'padded-rows' as const, 'middle' as const),
        };
        const label = `seed ${seed} ${JSON.stringify(options)}`;
        checks.push(...isRight(label, await launch(gpu, problem, dtype, options), problem, dtype));
      }
      return checks;
    },
  });
}

/** Random problems with random lists of selected keys; keys that no list names are poisoned. */
function selectedRounds(first: number, count: number): RunnableCase[] {
  return defineCase('fuzz', `selected-keys/seeds-${first}-to-${first + count - 1}`, {
    tier: 'full',
    async run(gpu, dtype, signal) {
      const checks: Check[] = [];
      const names = Object.keys(listContents) as (keyof typeof listContents)[];
      for (let seed = first; seed < first + count; seed++) {
        signal?.throwIfAborted();
        const source = random(seed);
        const plain = anyProblem(source, dtype);
        const { query, kv } = headsOf(plain);
        const spec = {
          heads: pick(source, 1, kv, query),
          entries: pick(source, 1, 31, 32, 33, source.below(100)),
          blockSize: pick(source, 1, 3),
          isShared: source.below(3) === 0,
          seed,
        };
        const fill = listContents[pick(source, ...names)];
        const problem = poisonUnselected(withLists(plain, spec, fill), pick(source, NaN, Infinity));
        const options: LaunchOptions = {
          numSplits: pick<number | 'auto'>(source, 'auto', 1, 2, 5),
          gpuLengths: source.below(2) === 0,
          listPlacement: pick(
            source,
            'contiguous' as const,
            'reversed' as const,
            'middle' as const,
          ),
        };
        const label = `seed ${seed} ${JSON.stringify({ ...spec, ...options })}`;
        checks.push(...isRight(label, await launch(gpu, problem, dtype, options), problem, dtype));
      }
      return checks;
    },
  });
}

export const forwardFuzz: readonly RunnableCase[] = [
  ...[0, 10, 20, 30].flatMap((first) => forwardRounds(first, 10, 'quick')),
  ...[0, 30].flatMap((first) => selectedRounds(first, 30)),
  ...[1000, 1100, 1200, 1300].flatMap((first) => forwardRounds(first, 100, 'full')),
];

/** Gradients of poisoned random problems of every layout, every other one with dLse. */
function backwardRounds(first: number, count: number): RunnableCase[] {
  return defineCase('backward-fuzz', `seeds-${first}-to-${first + count - 1}`, {
    tier: 'full',
    async run(gpu, dtype, signal) {
      const checks: Check[] = [];
      for (let seed = first; seed < first + count; seed++) {
        signal?.throwIfAborted();
        const problem = poisonUnused(anyProblem(random(seed), dtype), NaN);
        const by = resultGradients(problem, dtype, { lse: seed % 2 === 0 });
        const got = await launchBackward(gpu, problem, by, dtype);
        checks.push(...areRight(`seed ${seed}`, got, problem, by, dtype));
      }
      return checks;
    },
  });
}

export const backwardFuzz: readonly RunnableCase[] = [0, 20, 40, 60].flatMap((first) =>
  backwardRounds(first, 20),
);
