import { expect, it } from 'vitest';
import { costs } from '../../src/cost/constants.ts';
import { parseOptions, usage } from '../../src/sim-options.ts';

it('a study has defaults, and a constant can be replaced', () => {
  const options = parseOptions(['policies', '--cost', 'hopSeconds=0.01', '--workers', '3']);
  expect(options).toMatchObject({ study: 'policies', workers: 3, workerTokens: 3e6, rate: 1 });
  expect(options.costs.hopSeconds).toBe(0.01);
  expect(options.costs.stepSeconds).toBe(costs.stepSeconds.value);
});

it.for([
  [[], 'give one study of curve, policies, faults, users, delivery; got none.'],
  [['policy'], 'give one study of curve, policies, faults, users, delivery; got policy.'],
  [['curve', 'users'], 'got curve users.'],
  [['curve', '--workers', '0'], '--workers: takes a whole number from 1 on; got 0.'],
  [['curve', '--rate-error', '1'], '--rate-error: takes a number from 0 to 0.99; got 1.'],
  [['curve', '--cost', 'hops=1'], '--cost: names are prefillTokensPerSecond,'],
  [['curve', '--cost', 'hopSeconds'], '--cost hopSeconds: takes a number from 0 on; got .'],
  [['users', '--trace', 'a', '--trace', 'b'], '--trace: users takes one trace; got a, b.'],
  [['curve', '--speed', '1'], "Unknown option '--speed'"],
] as const)('%j is refused: %s', ([args, reason]) => {
  expect(() => parseOptions(args)).toThrow(reason);
});

it('help needs no study, and names every flag', () => {
  expect(parseOptions(['--help']).study).toBeUndefined();
  const flags = ['trace', 'workers', 'worker-tokens', 'store-tokens', 'rate', 'rate-error'];
  for (const flag of [...flags, 'cost', 'costs', 'json', 'plot']) {
    expect(usage).toContain(`--${flag}`);
  }
});
