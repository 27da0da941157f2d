/** The most operations of a mod after calls are inlined and loops unrolled. */
export const MAX_OPERATIONS = 4096;
/** The most steps of its translation: expressions, statements and calls, each counted as often as it is translated. */
const MAX_STEPS = 65_536;
/** The deepest nesting of expressions, statements and calls: the stacks of some engines hold no more. */
const MAX_DEPTH = 400;
/** The most characters in the sources of one mod. */
const MAX_CHARACTERS = 2 ** 20;

/** Copying this many variables at a branch counts as one step. */
const VARIABLES_A_STEP = 32;

const REMEDY = 'Call less, use fewer loop turns, or compute a table beforehand.';

/**
 * The steps that the translation of one mod may still take. They are counted, not timed, so that the limit is the same on every
 * machine.
 */
export class Budget {
  readonly #refuse: (rule: string, remedy: string) => never;
  #steps = MAX_STEPS;
  #depth = 0;
  #characters = MAX_CHARACTERS;

  constructor(refuse: (rule: string, remedy: string) => never) {
    this.#refuse = refuse;
  }

  /** Begins a step, which may contain others until `leave()`. @throws CompileError no steps are left */
  enter(): void {
    this.#take(1);
    if (++this.#depth > MAX_DEPTH) this.#refuse(...TOO_DEEP);
  }

  leave(): void {
    this.#depth--;
  }

  /** Returns the result of `run`, counted as one step. */
  step<T>(run: () => T): T {
    this.enter();
    const result = run();
    this.leave();
    return result;
  }

  /** Counts the steps of copying `count` variables. */
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

/** The rule and remedy for code that is nested too deep. */
export const TOO_DEEP: readonly [rule: string, remedy: string] = [
  `the function is nested too deep: more than ${MAX_DEPTH} levels, or than there is stack for`,
  'Cut it into steps: const a = …; or pass what it computes as a table.',
];

/** Whether an error says that the stack is full: the errors of V8 and JavaScriptCore, of Firefox, and of acorn. */
export function isStackOverflow(error: unknown): boolean {
  const { name, message } = error as Error;
  return (
    name === 'InternalError' ||
    /^(RangeError.*call stack|SyntaxError.*stack space)/.test(`${name}: ${message}`)
  );
}
