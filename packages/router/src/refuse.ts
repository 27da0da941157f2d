/** Returns a value as messages show it. */
const show = (value: unknown): string => {
  if (typeof value === 'string') return `'${value.length > 80 ? `${value.slice(0, 80)}…` : value}'`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
};

/** Throws what core's ValidationError is to `HeedError.is`, without core: routers have no GPU. */
export function refuse(fn: string, rule: string, got: unknown, fix: string): never {
  const error = Object.assign(new Error(`${fn}: ${rule}; got ${show(got)}. ${fix}`), {
    code: 'validation',
  });
  error.name = 'ValidationError';
  throw Object.defineProperty(error, Symbol.for('heed.error'), { value: true });
}

/** @throws ValidationError `value` is no object, or has a name that is not in `names` */
export function checkNames(
  fn: string,
  what: string,
  value: unknown,
  names: Readonly<Record<string, 1>>,
): void {
  const list = Object.keys(names).join(', ');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(fn, `${what} must be an object`, value, `There are ${list}.`);
  }
  for (const [name, given] of Object.entries(value)) {
    if (given === undefined || Object.hasOwn(names, name)) continue;
    refuse(fn, `there is no ${name} in ${what}`, given, `There are ${list}.`);
  }
}

/** @throws ValidationError `value` is not a finite number from `least` on */
export function checkNumber(fn: string, name: string, value: unknown, least = 0): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return;
  refuse(fn, `${name} must be a number from ${least} on`, value, 'Pass a finite number.');
}

/** @throws ValidationError `value` is not a string of 1 to 256 characters */
export function checkName(fn: string, name: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 256) return;
  refuse(fn, `${name} must be a string of 1 to 256 characters`, value, 'Pass a short name.');
}
