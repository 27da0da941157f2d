import { UnsupportedError } from '@heed/core';
import * as api from '@heed/tfjs';
import { attention, openTfjs } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';

const files = import.meta.glob(['../../README.md', '../../src/**/*.ts', '../examples/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
}) as Record<string, string>;
const readme = files['../../README.md']!;

// test/once/examples.test.ts runs the files of test/examples.
describe('the README', () => {
  it('shows the examples that run', () => {
    const shown = [...readme.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => match[1]);
    const runs = ['quickstart', 'bias', 'heeds-device'].map(
      (name) => files[`../examples/${name}.ts`],
    );
    expect(shown).toEqual(runs);
  });

  it('names every function of the package, and no other', () => {
    const table = /^## API\n([^]*?)^Types:/m.exec(readme)![1]!;
    const names = [...table.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]!);
    expect(names.toSorted()).toEqual(Object.keys(api).toSorted());
  });
});

describe('every @example', () => {
  // Ignores types and formatting.
  const bare = (code: string): string =>
    code.replaceAll(/: \{ scoreMod: ScoreMod \}|!(?=[.,)])/g, '').replaceAll(/\s+/g, '');
  const runs = bare(files['../examples/docstrings.ts']!);
  const examples = Object.entries(files).flatMap(([path, text]) =>
    [...text.matchAll(/^ *\* @example\n([^]*?)\*\//gm)].flatMap((match) =>
      match[1]!
        .replaceAll(/^ *\* ?/gm, '')
        .trim()
        .split('\n')
        .map((line) => [path, line] as const),
    ),
  );

  it('of a public function is found', () => {
    const count = Object.values(files).join('').split(' * @example').length - 1;
    expect(count).toBe(Object.keys(api).length);
  });

  it.for(examples)('in %s runs: %s', ([, line]) => {
    expect(runs).toContain(bare(line));
  });
});

class OtherBackend extends tf.KernelBackend {
  override dispose(): void {}
}

it('says what to do where the backend is not WebGPU', async () => {
  await expect(openTfjs()).rejects.toThrow(UnsupportedError);
  await expect(openTfjs()).rejects.toThrow(/must be 'webgpu'; got none/);
  tf.registerBackend('other', () => new OtherBackend());
  await tf.setBackend('other');
  const none = undefined as never;
  expect(() => attention(none, none, none)).toThrow(
    /the active backend of TensorFlow.js must be 'webgpu'; got 'other'.*tf.setBackend\('webgpu'\)/,
  );
});
