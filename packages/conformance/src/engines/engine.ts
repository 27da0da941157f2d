import type { Capabilities } from '@heed/core';
import type { CaseReport } from '../runner.ts';
import type { DeviceOptions } from './message.ts';
import { openSession, type Session } from './session.ts';
import type { EngineName } from './start.ts';

/** Runs cases in another engine, in processes of its own: one that a case brings down takes only that case along. */
export interface Engine {
  readonly capabilities: Capabilities;
  /** Distinct pipelines, over all processes so far. */
  readonly pipelines: number;
  readonly runCase: (id: string) => Promise<CaseReport>;
  readonly close: () => void;
}

interface Opened extends Session {
  readonly capabilities: Capabilities;
}

/**
 * Starts an engine and opens its adapter. What the engine is started from: `HEED_DENO`, `HEED_FIREFOX`, `HEED_CHROMIUM`, else
 * the usual name.
 * @throws Error it does not start, or has no adapter
 */
export async function openEngine(
  name: EngineName,
  device: DeviceOptions = { minimal: false, path: undefined },
): Promise<Engine> {
  let session: Opened | undefined = await open(name, device);
  const { capabilities } = session;
  let earlier = 0;
  let current = 0;
  const end = (): void => {
    session?.close();
    session = undefined;
    earlier += current;
    current = 0;
  };
  return {
    capabilities,
    get pipelines() {
      return earlier + current;
    },
    async runCase(id) {
      session ??= await open(name, device);
      const started = performance.now();
      try {
        const message = await session.ask({ id });
        if (message.kind !== 'case') throw new Error(textOf(message));
        current = message.pipelines;
        if (message.lost) end();
        return told(message.report);
      } catch (error) {
        end();
        const report = error instanceof Error ? error.message : String(error);
        return { id, status: 'fail', ms: performance.now() - started, report };
      }
    },
    close: end,
  };
}

/** A report as it was before JSON, which has no infinity. */
function told(report: CaseReport): CaseReport {
  return (report.error as number | null) === null ? { ...report, error: Infinity } : report;
}

async function open(name: EngineName, device: DeviceOptions): Promise<Opened> {
  const session = await openSession(name);
  const message = await session.ask({ device });
  if (message.kind === 'opened') return { ...session, capabilities: message.capabilities };
  session.close();
  throw new Error(`${name}: ${textOf(message)}`);
}

function textOf(message: { kind: string; error?: string }): string {
  return message.error ?? `an answer out of turn: ${message.kind}`;
}
