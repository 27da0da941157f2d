/**
 * The table of a function's options, by name: 1 for a value or a list, 'data' for an object whose names are the caller's, a
 * table for an object of options.
 */
export interface OptionNames {
  readonly [name: string]: OptionKind;
}

type OptionKind = 1 | 'data' | OptionNames;

/** The table that an interface of options has: none of its names may be missing, and no other may be there. */
export type NamesOf<O> = { readonly [Name in keyof O]-?: OptionKind };

/**
 * What is meant by a name that a function does not have: an option that it has, or a sentence that says what to do. By names
 * in small letters, without _ and -. Asked for only once there is such a name.
 */
export type Meant = () => Readonly<Record<string, string>>;

/** A name as it is looked up in what may be meant: however it is spelled in another library. */
export const plain = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '');

/** Options that are at home in another function, for {@link Meant}. */
export function optionsOf(where: string, names: object): Record<string, string> {
  return Object.fromEntries(
    Object.keys(names).map((name) => [plain(name), `${name} is an option of ${where}.`]),
  );
}
