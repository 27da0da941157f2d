import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/command-line.ts';

describe('parseCommand', () => {
  it('reads every option', () => {
    const args =
      '--filter seqused --filter lse --tier full --dtype f16 --tag browser --json r.json --compare s.json --minimal --path portable --engine naga -v'.split(
        ' ',
      );
    expect(parseCommand(args)).toMatchObject({
      selection: { filter: ['seqused', 'lse'], tier: 'full', dtype: 'f16', tag: 'browser' },
      json: 'r.json',
      compare: 's.json',
      minimal: true,
      path: 'portable',
      engine: 'naga',
      verbose: true,
    });
  });

  it('defaults to all quick cases', () => {
    expect(parseCommand([])).toMatchObject({
      selection: { tier: 'quick' },
      list: false,
      minimal: false,
    });
  });

  it.each([
    [['--tier', 'slow'], 'quick, full'],
    [['--dtype', 'f64'], 'f32, f16'],
    [['--engine', 'servo'], 'naga, firefox, chromium'],
    [['--wings'], 'wings'],
    [['seqused'], 'seqused'],
  ])('refuses %j', (args, mention) => {
    expect(parseCommand(args)).toMatchObject({ error: expect.stringContaining(mention) });
  });
});
