import type { ServedModel } from './served-model.ts';

/** Upper bounds of the buckets of latencies, in seconds. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts latencies in buckets, as Prometheus has histograms. */
class Histogram {
  readonly #counts = BUCKETS.map(() => 0);
  #count = 0;
  #sum = 0;

  observe(seconds: number): void {
    BUCKETS.forEach((bound, i) => {
      if (seconds <= bound) this.#counts[i]! += 1;
    });
    this.#count++;
    this.#sum += seconds;
  }

  lines(name: string): string[] {
    return [
      `# TYPE ${name} histogram`,
      ...BUCKETS.map((bound, i) => `${name}_bucket{le="${bound}"} ${this.#counts[i]}`),
      `${name}_bucket{le="+Inf"} ${this.#count}`,
      `${name}_sum ${this.#sum}`,
      `${name}_count ${this.#count}`,
    ];
  }
}

/** What a server counts, and its text for Prometheus. */
export class ServerMetrics {
  readonly firstToken: Histogram = new Histogram();
  readonly request: Histogram = new Histogram();
  readonly #answers = new Map<string, number>();

  /** Counts an HTTP answer. */
  answered(path: string, status: number): void {
    const key = `path="${path}",status="${status}"`;
    this.#answers.set(key, (this.#answers.get(key) ?? 0) + 1);
  }

  text({ engine, cache, gpu }: ServedModel): string {
    const { waiting, running, steps, computed, cached, generated, preemptions, guessed, accepted } =
      engine.stats;
    const pages = cache.stats();
    const { bytes, peakBytes } = gpu.memory();
    const gauge = (name: string, value: number): string[] => [
      `# TYPE ${name} gauge`,
      `${name} ${value}`,
    ];
    const counter = (name: string, value: number): string[] => [
      `# TYPE ${name} counter`,
      `${name} ${value}`,
    ];
    const lines = [
      '# TYPE heed_http_requests_total counter',
      ...[...this.#answers].map(
        ([labels, count]) => `heed_http_requests_total{${labels}} ${count}`,
      ),
      ...gauge('heed_answers_waiting', waiting),
      ...gauge('heed_answers_running', running),
      ...counter('heed_steps_total', steps),
      ...counter('heed_tokens_computed_total', computed),
      ...counter('heed_tokens_cached_total', cached),
      ...counter('heed_tokens_generated_total', generated),
      ...counter('heed_preemptions_total', preemptions),
      ...counter('heed_tokens_guessed_total', guessed),
      ...counter('heed_tokens_accepted_total', accepted),
      '# TYPE heed_pages gauge',
      ...(['used', 'cached', 'free'] as const).map(
        (state) => `heed_pages{state="${state}"} ${pages[state]}`,
      ),
      ...counter('heed_evictions_total', pages.evictions),
      ...gauge('heed_gpu_bytes', bytes),
      ...gauge('heed_gpu_peak_bytes', peakBytes),
      ...this.firstToken.lines('heed_first_token_seconds'),
      ...this.request.lines('heed_request_seconds'),
    ];
    return `${lines.join('\n')}\n`;
  }
}
