/** Joins the parts of a kernel with blank lines, leaving out those that are empty. */
export function sections(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== '').join('\n\n');
}
