/** Returns heed's documentation, the default text of the Train room. */
export function docsText(): string {
  return Object.keys(files)
    .toSorted()
    .map((name) => files[name])
    .join('\n\n');
}

const files: Record<string, string> = import.meta.glob(
  [
    '../../../../README.md',
    '../../../../CONTRIBUTING.md',
    '../../../../docs/*.md',
    '../../../../packages/*/README.md',
    '../../../../examples/README.md',
  ],
  { query: '?raw', import: 'default', eager: true },
);
