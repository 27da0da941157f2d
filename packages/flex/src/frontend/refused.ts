type Refusal = readonly [rule: string, remedy: string];

const SCALARS = 'Mods compute with numbers and booleans only.';
const LOOP =
  'Use for with constant bounds; pass what varies as a tensor, or its size as a constant.';
const PLAIN = 'Mods are pure functions: return a number or a boolean.';

/** Why a construct is not in the language, and what to write instead, by the type of its syntax node. */
export const refusals: Readonly<Record<string, Refusal>> = {
  WhileStatement: ['while may run for ever', LOOP],
  DoWhileStatement: ['do … while may run for ever', LOOP],
  ForOfStatement: ['for … of needs an iterator', LOOP],
  ForInStatement: ['for … in needs an object', LOOP],
  SwitchStatement: ['switch is not supported', 'Use if and else, or ?:.'],
  LabeledStatement: ['labels are not supported', 'Use break and continue without a label.'],
  ThrowStatement: ['throw cannot run on the GPU', PLAIN],
  TryStatement: ['try cannot run on the GPU', PLAIN],
  WithStatement: ['with is not supported', PLAIN],
  ClassDeclaration: ['a class cannot run on the GPU', PLAIN],
  ClassExpression: ['a class cannot run on the GPU', PLAIN],
  ThisExpression: ['this is not available', 'Pass what you need in captures.'],
  Super: ['super is not available', 'Pass what you need in captures.'],
  MetaProperty: ['new.target and import.meta are not available', 'Pass values in captures.'],
  NewExpression: ['new makes an object', SCALARS],
  ObjectExpression: ['an object literal cannot run on the GPU', `${SCALARS} Use variables.`],
  ArrayExpression: [
    'an array literal cannot run on the GPU',
    'Pass the values as a tensor in captures.',
  ],
  SpreadElement: ['spread is not supported', 'Write the arguments out.'],
  RestElement: ['rest parameters are not supported', 'Name what you need.'],
  ArrayPattern: ['array destructuring is not supported', 'Index the table: c.table[0].'],
  TemplateLiteral: ['a template string is not a number', SCALARS],
  TaggedTemplateExpression: ['a template string is not a number', SCALARS],
  AwaitExpression: ['await cannot run on the GPU', 'Await before, and pass the value in captures.'],
  YieldExpression: ['yield cannot run on the GPU', PLAIN],
  ImportExpression: ['import cannot run on the GPU', 'Pass the function in captures.'],
  ChainExpression: ['?. is not supported', 'Captures are always there: use a plain dot.'],
};

/** Names that are not in scope but that people write, or tools put in. */
export function refuseName(name: string): Refusal {
  if (/^(cov_|__cov|__coverage|_?stryMut|stryCov|__VITEST_COVERAGE)/.test(name)) {
    return [
      `the source is instrumented by a coverage or mutation tool (${name})`,
      "Exclude the file that holds the mod, or use V8's built-in coverage, which leaves sources alone.",
    ];
  }
  if (name === 'console') {
    return ['console is not there on the GPU', 'Run the mod on the CPU to look at its values.'];
  }
  if (name === 'Number') {
    return ['Number is not available', 'Use Infinity, Math.abs(x) < Infinity, or a literal.'];
  }
  if (name === 'arguments') return ['arguments is not available', 'Name the parameters you need.'];
  return [
    `${name} is not declared in the mod, and its value cannot be seen from here`,
    `Pass it in captures: { ${name} }, and read it from the captures parameter.`,
  ];
}
