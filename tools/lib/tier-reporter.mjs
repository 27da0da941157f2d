import { writeFileSync } from 'node:fs';
import { say } from './log.mjs';

const HEARTBEAT_MS = 20_000;

/** Says where a long tier is, and writes its counts to the file named by HEED_REPORT. */
export default class TierReporter {
  counts = { passed: 0, failed: 0, skipped: 0, pipelines: 0 };
  current = 'starting';

  onTestRunStart() {
    const tier = process.env.HEED_TIER ?? 'vitest';
    this.timer = setInterval(() => {
      const { passed, failed, pipelines } = this.counts;
      say(tier, `${passed} passed, ${failed} failed, ${pipelines} pipelines; now ${this.current}`);
    }, HEARTBEAT_MS);
    this.timer.unref();
  }

  onTestCaseReady(test) {
    this.current = `${test.module.relativeModuleId} > ${test.fullName}`;
  }

  onTestCaseResult(test) {
    const { state } = test.result();
    this.counts[state] += 1;
    this.counts.pipelines = Math.max(this.counts.pipelines, test.meta().pipelines ?? 0);
  }

  onTestRunEnd(modules, unhandledErrors) {
    clearInterval(this.timer);
    // A file or suite whose set-up failed reports its tests as skipped.
    const broken = modules.flatMap((module) => [module, ...module.children.allSuites()]);
    this.counts.failed +=
      broken.filter((entry) => entry.errors().length > 0).length + unhandledErrors.length;
    if (process.env.HEED_REPORT)
      writeFileSync(process.env.HEED_REPORT, JSON.stringify(this.counts));
  }
}
