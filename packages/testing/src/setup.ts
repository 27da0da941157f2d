import { afterAll, afterEach, beforeEach, expect } from 'vitest';
import { toMatchTensor } from './match-tensor.ts';

expect.extend({ toMatchTensor });

const logged: string[] = [];

for (const level of ['error', 'warn'] as const) {
  console[level] = (...args: unknown[]): void => {
    logged.push(`console.${level}: ${args.map(String).join(' ')}`);
  };
}

beforeEach(() => {
  logged.length = 0;
});

afterEach(() => {
  const lines = logged.splice(0);
  if (lines.length > 0) throw new Error(`the test logged:\n${lines.join('\n')}`);
});

// Files of a tier share their globals: one that kept a fake timer made the next wait for ever.
const { setTimeout, setImmediate } = globalThis;
afterAll(() => {
  if (globalThis.setTimeout !== setTimeout || globalThis.setImmediate !== setImmediate)
    throw new Error('the file leaves fake timers behind');
});
