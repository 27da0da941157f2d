import { HeedError } from '@heed/core';

/** Any function. */
export type Call = (...args: unknown[]) => unknown;

/** What an argument or an option is not. Some of it is right in places, and then nothing needs to be refused. */
const junk: readonly unknown[] = [
  null,
  -1,
  Number.NaN,
  10n,
  'abc',
  Symbol('s'),
  [null, 1],
  Object.create(null),
  () => 1,
  new Float64Array(2),
];

/** What a call with each argument in turn, and each option, replaced by junk throws that is no error of heed's. */
export async function strangers(
  name: string,
  call: Call,
  args: readonly unknown[],
  options: readonly string[] = [],
): Promise<string[]> {
  const wrong = args.flatMap((_, at) => junk.map((x) => args.with(at, x)));
  const given = args.at(-1) as object;
  for (const option of options) {
    for (const x of junk) wrong.push(args.with(args.length - 1, { ...given, [option]: x }));
  }
  const found: string[] = [];
  for (const list of wrong) {
    try {
      const result = await call(...list);
      (result as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
    } catch (error) {
      if (!HeedError.is(error)) found.push(`${name}: ${String(error)}`);
    }
  }
  return found;
}

/** A method as a function. */
export const methodOf = (of: object, name: string): Call => {
  const method = (of as Record<string, Call>)[name]!;
  return (...args) => method.apply(of, args);
};
