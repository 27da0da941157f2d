import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/tool.mjs';

/** Returns the fields of an interface in a package's sources: name → type, optionality and docstring in one line. */
export function fieldsOf(name) {
  const [folder, type] = name.split(':');
  const sources = join(root, 'packages', folder, 'src');
  for (const file of readdirSync(sources, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(sources, file), 'utf8');
    const [, head, body = ''] =
      text.match(new RegExp(`^export interface ${type}\\b([^]*?)\\{(?:}|\n([^]*?)^})`, 'm')) ?? [];
    if (head === undefined) continue;
    // An interface of all options extends those of one option each.
    const parts = [...head.matchAll(/\b\w+(Option|Flags)\b/g)].map(([part]) => part);
    const inherited = parts.flatMap((part) => [...fieldsOf(`${folder}:${part}`)]);
    return new Map([...membersOf(body), ...inherited]);
  }
  throw new Error(`no interface ${type} in packages/${folder}/src`);
}

function membersOf(body) {
  const member = /^(?: {2}\/\*\*([^]*?)\*\/\n)? {2}readonly (\w+)(\??): ([^]*?);$/gm;
  return [...body.matchAll(member)].map(([, doc = '', name, optional, type]) => [
    name,
    {
      doc: oneLine(doc.replaceAll(/^ *\* ?/gm, '')),
      optional: optional === '?',
      type: oneLine(type),
    },
  ]);
}

const oneLine = (text) =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\{@link (\w+)\}/g, '$1')
    .trim();

const cell = (text) => text.replaceAll('|', '\\|');

const code = (names) => names.map((name) => `\`${name}\``).join(', ');

/**
 * Returns docs/options.md.
 * @param packages per package a list of functions: signature, table of names, and the interfaces of the options
 */
export function optionPage(packages) {
  const shown = new Set();
  const section = ([name, functions]) =>
    [`## \`${name}\``, ...functions.flatMap((one) => partsOf(one, shown))].join('\n\n');
  return `${[intro, ...packages.map(section)].join('\n\n')}\n`;
}

const intro = `# Options

Made from the tables by which calls are checked, and from the docstrings of their types.
An option that a function does not have is a ValidationError, which says what it has and what may have been meant; one that is \`undefined\` is absent.
Options are the own enumerable names of the argument. They are read once, when the call is made, and lists are copied: they may be written
again as soon as it has returned, also before a \`backward\`. Tensors are read when the work runs.

Lengths, pages and positions are given as an \`Int32Array\`, or as a \`BigInt64Array\` whose values fit in 32 bits; any other list is refused
with the way to convert it. Token ids (\`TokenIds\`) are whole numbers from 0 to 2³² − 1 in any list: an array, a typed array, a
\`BigInt64Array\` or a \`BigUint64Array\`.`;

/** Returns the section of a function: its interfaces, and tables of those that no earlier section has shown. */
function partsOf({ signature, names, interfaces }, shown) {
  const parts = interfaces.map((name) => {
    const all = [...fieldsOf(name).keys()];
    const left = all.filter((option) => !Object.hasOwn(names, option));
    const type = name.split(':')[1];
    return left.length > 0 ? `${type} without ${code(left)}` : type;
  });
  const news = interfaces.filter((name) => !shown.has(name));
  for (const name of news) shown.add(name);
  return [
    `### \`${signature}\``,
    `Options: ${parts.join('; ')}.`,
    ...news.map((name) => tableOf(name)),
  ];
}

function tableOf(name) {
  const rows = [...fieldsOf(name)].map(
    ([option, { doc, optional, type }]) =>
      `| \`${option}\`${optional ? '' : ' (required)'} | \`${cell(type)}\` | ${cell(doc)} |`,
  );
  return [`| ${name.split(':')[1]} | type | |`, '|---|---|---|', ...rows].join('\n');
}
