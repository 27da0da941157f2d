/** The most operations that a mod may consist of, once calls are inlined and loops unrolled. */
export const MAX_OPERATIONS = 4096;
/** The most that its translation may take: expressions, statements and calls, each as often as it is gone through. */
const MAX_STEPS = 65_536;
/** How deep expressions, statements and calls may lie in one another: stacks of some engines hold no more. */
const MAX_DEPTH = 400;
/** The most characters of all sources of a mod. */
const MAX_CHARACTERS = 2 ** 20;

/** Copying this many variables, at a branch, costs what one expression does. */
const VARIABLES_A_STEP = 32;

const REMEDY = 'Call less, use fewer loop turns, or compute a table beforehand.';

/** What the translation of one mod may still take. Counted, not timed: it is the same on every machine. */
export class Budget {
  readonly #refuse: (rule: string, remedy: string) => never;
  #steps = MAX_STEPS;
  #depth = 0;
  #characters = MAX_CHARACTERS;

  constructor(refuse: (rule: string, remedy: string) => never) {
    this.#refuse = refuse;
  }

  /** One step, with others inside it until it is left. @throws CompileError there are no more */
  enter(): void {
    this.#take(1);
    if (++this.#depth > MAX_DEPTH) this.#refuse(...TOO_DEEP);
  }

  leave(): void {
    this.#depth--;
  }

  /** What `run` gives, as one step. */
  step<T>(run: () => T): T {
    this.enter();
    const result = run();
    this.leave();
    return result;
  }

  /** The steps that it takes to copy `count` variables. */
  copy(count: number): void {
    this.#take(Math.floor(count / VARIABLES_A_STEP));
  }

  read(text: string): void {
    if ((this.#characters -= text.length) >= 0) return;
    const rule = `the sources of the mod have more than ${MAX_CHARACTERS} characters`;
    this.#refuse(rule, 'Leave out what it does not call.');
  }

  #take(steps: number): void {
    if ((this.#steps -= steps) >= 0) return;
    this.#refuse(`the function takes more than ${MAX_STEPS} steps to translate`, REMEDY);
  }
}

/** Rule and remedy of what is nested too deep. */
export const TOO_DEEP: readonly [rule: string, remedy: string] = [
  `the function is nested too deep: more than ${MAX_DEPTH} levels, or than there is stack for`,
  'Cut it into steps: const a = …; or pass what it computes as a table.',
];

/** Whether an error says that the engine's stack is full: that of V8 and JavaScriptCore, of Firefox, of acorn. */
export function isStackOverflow(error: unknown): boolean {
  const { name, message } = error as Error;
  return (
    name === 'InternalError' ||
    /^(RangeError.*call stack|SyntaxError.*stack space)/.test(`${name}: ${message}`)
  );
}
