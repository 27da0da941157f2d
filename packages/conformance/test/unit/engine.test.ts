import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, openEngine } from '../../src/engines/engine.ts';

/** A stand-in for an engine: a program that gets an address, and that exits in some cases as naga does on a panic. */
const standIn = `#!/usr/bin/env node
const next = async (message) => {
  const body = JSON.stringify(message);
  return (await fetch(new URL('next', process.argv.at(-1)), { method: 'POST', body })).json();
};
await next({ kind: 'started' });
let job = await next({ kind: 'opened', capabilities: { f16: false } });
for (;;) {
  if (job.id === 'panics') {
    console.error("thread 'main' panicked at naga/src/back/spv/block.rs");
    process.exit(101);
  }
  const report = { id: job.id, status: 'pass', ms: 1 };
  if (job.id === 'is far off') Object.assign(report, { status: 'fail', error: Infinity, budget: 1 });
  job = await next({ kind: 'case', report, pipelines: 2, lost: job.id === 'loses the device' });
}
`;

describe('openEngine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-stand-in-'));
  const before = process.env['HEED_DENO'];
  let engine: Engine;

  beforeAll(async () => {
    process.env['HEED_DENO'] = join(folder, 'deno.mjs');
    writeFileSync(process.env['HEED_DENO'], standIn);
    chmodSync(process.env['HEED_DENO'], 0o755);
    engine = await openEngine('naga');
  });

  afterAll(() => {
    engine.close();
    if (before === undefined) delete process.env['HEED_DENO'];
    else process.env['HEED_DENO'] = before;
    rmSync(folder, { recursive: true });
  });

  it('gives what the engine says of its device and of a case', async () => {
    expect(engine.capabilities).toEqual({ f16: false });
    expect(await engine.runCase('fine')).toEqual({ id: 'fine', status: 'pass', ms: 1 });
  });

  it('knows an error without bound, which JSON does not', async () => {
    expect(await engine.runCase('is far off')).toMatchObject({ status: 'fail', error: Infinity });
  });

  it('a panic fails the case that it happens in, and no other', async () => {
    expect(await engine.runCase('panics')).toMatchObject({
      id: 'panics',
      status: 'fail',
      report: expect.stringMatching(/naga ended \(101\):[^]*panicked at naga\/src/),
    });
    expect(await engine.runCase('after it')).toMatchObject({ id: 'after it', status: 'pass' });
    expect(engine.pipelines).toBe(4);
  });

  it('starts anew once a device is lost', async () => {
    expect(await engine.runCase('loses the device')).toMatchObject({ status: 'pass' });
    expect(await engine.runCase('fine')).toMatchObject({ status: 'pass' });
    expect(engine.pipelines).toBe(6);
  });

  it('rejects where the engine does not start', async () => {
    process.env['HEED_FIREFOX'] = join(folder, 'no-such-program');
    await expect(openEngine('firefox')).rejects.toThrow('no-such-program');
    delete process.env['HEED_FIREFOX'];
  });
});
