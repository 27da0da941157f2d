import { DisposedError, HeedError, UnsupportedError, ValidationError } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { type Check, holds } from '../../budget/output-checks.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { Bench, type Rule, type Value } from './api-rule.ts';
import { denseRules } from './dense-rules.ts';
import { mergeAndPlanRules } from './merge-and-plan-rules.ts';
import { pageRules } from './page-rules.ts';
import { selectedRules } from './selected-rules.ts';
import { weightsRules } from './weights-rules.ts';
import { varlenRules } from './varlen-rules.ts';

const classes = { ValidationError, DisposedError, UnsupportedError } as const;

function accepted(rule: Rule, value: Value): RunnableCase[] {
  return defineCase('validation', `${rule.fn}/${rule.name}/accepts-${value.label}`, {
    dtypes: ['f32'],
    async run(gpu) {
      const bench = new Bench(gpu);
      try {
        await value.call(bench);
        await gpu.settled();
        return [holds('accepted', true, '')];
      } catch (error) {
        return [holds('accepted', false, String(error))];
      } finally {
        bench.scope.dispose();
      }
    },
  });
}

/** A rejected value throws the right class of error with a message that names function and argument, and compiles no kernel. */
function rejected(rule: Rule, value: Value): RunnableCase[] {
  return defineCase('validation', `${rule.fn}/${rule.name}/rejects-${value.label}`, {
    dtypes: ['f32'],
    tags: ['browser', 'host'],
    async run(gpu) {
      const bench = new Bench(gpu);
      const before = kernelCount(gpu);
      try {
        await value.call(bench);
        return [holds('rejected', false, `the call was accepted; want a ${rule.refusal}`)];
      } catch (error) {
        return [
          ...describe(rule, error),
          holds('no kernel made', kernelCount(gpu) === before, 'one was compiled before the check'),
        ];
      } finally {
        bench.scope.dispose();
      }
    },
  });
}

function describe(rule: Rule, error: unknown): Check[] {
  const refusal = rule.refusal;
  const text = error instanceof Error ? error.message : String(error);
  return [
    holds(
      'class',
      HeedError.is(error) && error instanceof classes[refusal],
      `want a ${refusal}, got ${String(error)}`,
    ),
    holds(
      'names the function',
      text.startsWith(`${rule.fn}: `),
      `the message should start with '${rule.fn}: ', got: ${text}`,
    ),
    holds(
      'says what it got and how to mend it',
      rule.refusal !== 'ValidationError' || /(; got |\bbelongs to )[^]+\. \S/.test(text),
      `the message should be 'function: rule; got values. Fix', got: ${text}`,
    ),
    holds(
      'names the argument',
      rule.says.test(text),
      `the message should match ${String(rule.says)}, got: ${text}`,
    ),
  ];
}

export const validationCases: readonly RunnableCase[] = [
  ...denseRules,
  ...varlenRules,
  ...pageRules,
  ...mergeAndPlanRules,
  ...selectedRules,
  ...weightsRules,
].flatMap((rule) => [
  ...rule.accepts.flatMap((value) => accepted(rule, value)),
  ...rule.rejects.flatMap((value) => rejected(rule, value)),
]);
