import { rows, rowNames } from './rows.mjs';

const COLUMNS = ['runs on', 'shows', 'cases', 'passed', 'failed', 'unsupported', 'kernels', 'date'];

/** The page, from the data of its rows. */
export function pageText(data) {
  const names = rowNames.filter((name) => data[name]);
  const tags = [...new Set(names.map((name) => data[name].tag))];
  return `# Where it runs

Written by \`npm run where\`, from runs of the [conformance cases](../packages/conformance/README.md#cases) on one machine; do not edit it by hand.
Each row ran the cases with the tag ${tags.map((tag) => `\`${tag}\``).join(', ')}, which every test of a browser runs; the [test tiers](../CONTRIBUTING.md#test-tiers) run more of them on
the adapters in Node. Unsupported is a case that declares what it needs of a device, on a device that lacks it.

${table([COLUMNS, COLUMNS.map(() => '---'), ...names.map((name) => cells(name, data[name]))])}

A row is run again by \`npm run where -- --row NAME\`:

${names.map((name) => `- \`${name}\`, as the tier \`${rows[name].tier}\` runs: ${data[name].on}.${remarks(data[name])}`).join('\n')}

${missing(names)}Lavapipe compiled as it does in each tier of \`npm test\`: without LLVM's optimisation passes. A pass is of these versions; the Conformance room of the
[demo](../apps/demo/README.md) and [\`@heed/conformance\`](../packages/conformance/README.md) run the same cases on your device.
`;
}

function cells(name, row) {
  const numbers = [row.cases, row.pass, row.fail, row.unsupported, row.pipelines].map(String);
  return [`\`${name}\``, rows[name].shows, ...numbers, row.date];
}

function remarks({ failed, lacks }) {
  const why = Object.entries(lacks).map(([reason, count]) => ` ${count} unsupported: ${reason}.`);
  const which =
    failed.length === 0 ? '' : ` Failed: ${failed.map((id) => `\`${id}\``).join(', ')}.`;
  return why.join('') + which;
}

function missing(names) {
  const others = rowNames.filter((name) => !names.includes(name));
  if (others.length === 0) return '';
  const list = others.map((name) => `\`${name}\` (${rows[name].shows})`).join(', ');
  return `Not run here: ${list}.\n\n`;
}

const table = (lines) => lines.map((line) => `| ${line.join(' | ')} |`).join('\n');
