import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** An answer, or why there is none. */
export type Answer<T> = T | { readonly error: string };

interface Waiting {
  readonly resolve: (answer: object) => void;
  readonly reject: (error: Error) => void;
}

const complained = 2000;

/**
 * Another program that answers questions: one JSON object a line each way, in order. What it writes to standard error is kept
 * for the message when it ends.
 */
export class LineProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: Waiting[] = [];
  #complaint = '';
  #ended: Error | undefined;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, [...args], { stdio: 'pipe' });
    this.#child.stderr.on('data', (text: Buffer) => {
      this.#complaint = (this.#complaint + String(text)).slice(-complained);
    });
    // A write to a program that has ended fails here too; `close` tells why it did.
    this.#child.stdin.on('error', () => {});
    this.#child.on('error', (error) => this.#end(new Error(`${command}: ${error.message}`)));
    this.#child.on('close', (code, signal) => {
      const last = this.#complaint.trim().split('\n').at(-1) ?? '';
      this.#end(
        new Error(`${command} ended (${signal ?? `exit status ${code}`})${last && `: ${last}`}`),
      );
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(line));
  }

  /** Asks and waits for the answer. Rejects when the program says that it failed, has ended, or takes longer than that. */
  async ask<T extends object>(question: object, timeoutMs: number): Promise<T> {
    if (this.#ended) throw this.#ended;
    const { promise, ...waiting } = Promise.withResolvers<object>();
    this.#waiting.push(waiting);
    const timer = setTimeout(() => {
      this.#end(new Error(`no answer in ${timeoutMs / 1000} s`));
      this.close();
    }, timeoutMs);
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    try {
      const answer = (await promise) as Answer<T>;
      if ('error' in answer) throw new Error(answer.error);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the program. */
  close(): void {
    this.#child.kill('SIGKILL');
  }

  #heard(line: string): void {
    const next = this.#waiting.shift();
    try {
      next?.resolve(JSON.parse(line) as object);
    } catch {
      next?.reject(new Error(`not an answer: ${line.slice(0, 200)}`));
    }
  }

  #end(why: Error): void {
    this.#ended ??= why;
    for (const { reject } of this.#waiting.splice(0)) reject(why);
  }
}
