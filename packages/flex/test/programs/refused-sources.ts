import { functionOf } from './world.ts';

/** A mod's source, what the first line of the error says, what the caret underlines, and the remedy. */
export type Row = readonly [source: string, says: string, marked: string, remedy: RegExp];

/** What the mods read. */
export const captures: Readonly<Record<string, unknown>> = {
  n: 3,
  bias: { dtype: 'f32', shape: [4, 8] },
  window: 7,
  pair: functionOf('function pair(x, y) { return x + y; }'),
  far: functionOf('function far(x) {\n  const y = x + 1;\n  return y * nowhere;\n}'),
  again: functionOf('function again(x) { return x > 0 ? again(x - 1) : 0; }'),
};

/** A mod with these statements, that returns its score. */
export const body = (text: string): string => `(s, b, h, q, kv, c, info) => { ${text} return s; }`;
/** A mod that returns this expression. */
export const value = (text: string): string => `(s, b, h, q, kv, c, info) => ${text}`;

export const statements: readonly Row[] = [
  [body('while (s > 1) s -= 1;'), 'while cannot run', 'while', /must end.*constant bounds/],
  [body('do s--; while (s > 1);'), 'do … while cannot run', 'do s--', /constant bounds/],
  [body('for (const i of c.bias) s += i;'), 'for … of cannot run', 'for (const', /constant bounds/],
  [body('for (const i in c) s += i;'), 'for … in cannot run', 'for (const', /constant bounds/],
  [body('for (let i = 0; i < q; i++) s++;'), 'needs constant bounds', 'i < q', /\) break/],
  [body('for (let i = 0; i < c.n; i++) s++;'), 'needs constant bounds', 'i < c.n', /i >= c\.n/],
  [body('for (;;) s++;'), 'more than 256 turns', 'for (;;)', /fewer/],
  [body('switch (q) { case 1: s++; }'), 'switch cannot run', 'switch', /if and else/],
  [body('try { s++; } catch {}'), 'try cannot run', 'try', /pure functions/],
  [body("throw 'x';"), 'throw cannot run', 'throw', /return a number/],
  [body('class A {}'), 'a class cannot run', 'class A', /pure functions/],
  [body('a: for (;;) break a;'), 'a label cannot run', 'a: for', /without a label/],
  [body('delete c.n;'), 'delete cannot run', 'delete c.n', /pure functions/],
];

export const assignments: readonly Row[] = [
  [body('const t = 1; t = 2;'), 't is a constant', 't = 2', /let/],
  [body('t = 2; let t;'), 't is used before it is declared', 't = 2', /further up/],
  [body('t = 2;'), 't is not declared', 't = 2', /let t = 0/],
  [
    body('c.n = 4;'),
    'only variables of the mod can be assigned',
    'c.n',
    /return what they compute/,
  ],
  [body('c.bias[0][1] += 4;'), 'only variables of the mod', 'c.bias[0][1]', /read tables/],
  [body('info.qLen++;'), 'only variables of the mod', 'info.qLen', /read tables/],
  [body('cov_1a2b().s[0]++;'), 'instrumented by a coverage', 'cov_1a2b', /Exclude the file.*V8/],
  [
    value('(cov_1a2b().b[0][1]++, s)'),
    'instrumented by a coverage',
    'cov_1a2b',
    /Exclude the file/,
  ],
  [body('stryMutAct_9fa48("0");'), 'mutation tool', 'stryMutAct_9fa48', /Exclude the file/],
];

export const names: readonly Row[] = [
  [body('{ const q = q + 1; s += q; }'), 'q is used before it is declared', 'q + 1', /further up/],
  [body('const f = () => t; s += f(); let t = 2;'), 't is used before', 't; s', /rename one/],
  [value('s + outer'), 'outer is not declared in the mod', 'outer', /captures: \{ outer \}/],
  ['(score) => scor + 1', 'scor is not declared', 'scor', /^Did you mean score\? Pass it/],
  [
    value('c.windw + s'),
    'captures has no windw',
    'c.windw',
    /^Did you mean window\? There are n, bias/,
  ],
  [value('c.zzz + s'), 'captures has no zzz', 'c.zzz', /^There are n.*captures: \{ zzz \}/],
  [value('s + info.length'), 'info has no length', 'length', /There are qLen, kvLen, qRow, kvRow/],
  [value('s + info.qlen'), 'info has no qlen', 'qlen', /Did you mean qLen/],
  [value('Math.random() + s'), 'Math.random has no value', 'Math.random()', /tensor in captures/],
  [value('Math.flor(s)'), 'Math.flor has no match', 'Math.flor(s)', /mean floor\?.*abs, acos/],
  [value('Math.expm1(s)'), 'Math.expm1 has no match', 'Math.expm1', /^There are abs, acos/],
  [value('Number() * s'), 'a conversion takes 1 argument', 'Number()', /Pass 1/],
  [value('toString(s)'), 'toString is not declared', 'toString', /captures/],
  [value('isNaN(s) ? 0 : s'), 'isNaN is not there', 'isNaN', /captures/],
  ['function (s) { return arguments[0]; }', 'arguments is not there', 'arguments', /parameters/],
  ['function (s) { return s + this.x; }', 'this cannot run', 'this', /in captures/],
  [
    'new (class { #m(s) { return s + this.#x; } #x = 1; get m() { return this.#m; } })().m',
    'this cannot run',
    'this.#x',
    /in captures/,
  ],
];

export const values: readonly Row[] = [
  [value("s + 'x'"), 'a string cannot run', "'x'", /numbers and booleans/],
  [value('`${s}`'), 'a template string cannot run', '`${s}`', /numbers and booleans/],
  [value('/x/.test(s)'), 'regexp cannot run', '/x/', /numbers and booleans/],
  [value('s + 1n'), 'a BigInt cannot run', '1n', /without the n/],
  [value('({ s })'), 'an object literal', '{ s }', /use variables/],
  [value('[s, q][0]'), 'an array literal', '[s, q]', /tensors in captures/],
  [value('new Date().getTime()'), 'new cannot run', 'new Date()', /numbers and booleans/],
  [value('Math.max(...c.bias)'), 'spread cannot run', '...c.bias', /Write the arguments out/],
  [value('c?.n'), '?. cannot run', 'c?.n', /every capture is there/],
  [value('Math.max?.(s, 1)'), '?. cannot run', 'Math.max?.', /remove it/],
  [value("'n' in c ? s : 0"), 'in cannot run', "'n' in c", /every capture is there/],
  [
    value('s instanceof Object ? s : 0'),
    'instanceof cannot run',
    's instanceof',
    /Types are known/,
  ],
  [value("typeof s === 'number' ? s : 0"), 'typeof cannot run', 'typeof', /Types are known/],
  [
    value('q > kv === 1 ? s : 0'),
    'a number is compared with a boolean',
    'q > kv === 1',
    /one type/,
  ],
  [value('0 <= q - kv < 4 ? s : 0'), 'a boolean has no order', '0 <= q', /a < b && b < c/],
  [value('4 > q > kv ? s : 0'), 'and > compares one', '4 > q', /\+\(cond/],
  [
    body('let t; if (q > kv) t = 1; s += t;'),
    'a number on one path and undefined',
    't;',
    /every path/,
  ],
  [value('q >>> 0'), 'constant shift of 1 to 31', 'q >>> 0', />> for a signed/],
  [value('info'), 'the info object is not a number', '(s, b', /Use a number/],
];

/** A number on one path, and something else on another. */
export const paths: readonly Row[] = (
  [
    ['s += t;', 't;'],
    ['s += t ?? 3;', 't ?? 3'],
    ['s += t === undefined ? 2 : 3;', 't === undefined'],
    ['if (t) s++;', 't) s++'],
    ['s += ((a = 4) => a)(t);', '((a = 4)'],
    ['t++;', 't++'],
  ] as const
).map(([use, marked]) => [
  body(`let t; if (q > kv) t = 1; ${use}`),
  'the value is a number on one path and undefined on another',
  marked,
  /same type on every path/,
]);

export const tables: readonly Row[] = [
  [value('s + c.bias[h]'), 'bias with 1 of its 2 indices', 'c.bias[h]', /every dimension/],
  [value('s + c.bias'), 'bias with 0 of its 2 indices', 'c.bias', /every dimension/],
  [value('c.bias[h][q][kv]'), 'bias has 2 dimensions; this is one index more', 'kv', /last index/],
  [value('c.bias[q > kv][0]'), 'this is a boolean', 'q > kv', /condition \? 1 : 0/],
  [
    value('c.bais[h][q]'),
    'captures has no bais',
    'c.bais',
    /^Did you mean bias\? There are n, bias/,
  ],
  [
    body('const half = q / 2, at = half + 1; s += c.bias[h][at];'),
    'an index of bias must be a whole number, and this, which it is made of,',
    'q / 2',
    /Math\.floor/,
  ],
  [
    body('let at = q; at *= 0.5; s += c.bias[h][Math.max(at, kv)];'),
    'an index of bias must be a whole number',
    '0.5',
    /Math\.floor/,
  ],
  [value('c.bias[s][0]'), 'an index must be a whole number', 's', /Math\.floor.*i32/],
  [value("c.bias['h'][0]"), 'has no property h', "'h'", /Only captures, info and Math/],
  [value('c.bias.length'), 'has no property length', 'length', /number in captures/],
  [value('c.n[0]'), 'a number cannot be indexed', '0', /c\.bias\[h\]/],
  [value('c[q]'), 'the captures object cannot be indexed', 'q', /name every capture/],
  [body('const [t] = c.bias;'), 'array destructuring', '[t]', /c\.table\[0\]/],
  [body('const { n, ...rest } = c;'), 'a rest pattern', '...rest', /Name what you need/],
  [body('const { [q]: t } = c;'), 'a computed name', 'q', /Name the capture/],
];

export const calls: readonly Row[] = [
  [value('Math.pow(s)'), 'Math.pow takes 2 arguments; got 1', 'Math.pow(s)', /Pass 2/],
  [value('Math.sqrt()'), 'Math.sqrt takes 1 argument; got 0', 'Math.sqrt()', /Pass 1/],
  [value('c.n(0)'), 'a number is not a function', 'c.n(0)', /function in captures/],
  [value('c.pair(s)'), 'pair takes 2 arguments; got 1', 'c.pair(s)', /Pass all/],
  [value('c.far(s)'), 'in far: nowhere is not declared', 'nowhere', /captures: \{ nowhere \}/],
  [value('c.again(s)'), 'in again: recursion', 'again(x - 1)', /constant bounds/],
  [body('function g() { return g(); } g();'), 'recursion cannot run', 'g();', /constant bounds/],
  ['({ far: (s) => s + far }).far', 'far is not declared', 'far', /captures: \{ far \}/],
  ['function self(s) { return self(s); }', 'recursion cannot run', 'self(s);', /constant bounds/],
];

export const signatures: readonly Row[] = [
  ['async (s) => s', 'an async function', 'async', /Return the number/],
  ['function* (s) { yield s; }', 'a generator', 'function*', /Return the number/],
  ['class A {}', 'a class is not a function', 'class A', /arrow function/],
  ['(...all) => all[0]', 'a rest pattern cannot run', '...all', /Name what you need/],
  ['(s, { b }) => s', 'a number cannot be destructured', '{ b }', /captures, info or Math/],
  [
    '(s, b, h, q, kv, c, info, x) => s',
    'at most 7 parameters; got 8',
    'x)',
    /score, b, h, q, kv, c/,
  ],
  [value('{ if (q > kv) return s; }'), 'return a value on every path', '(s, b', /return/],
  [value('undefined'), 'undefined is not a number', '(s, b', /Use a number/],
  [value('0 * Infinity'), 'the result may be NaN', '(s, b', /-Infinity/],
];

/**
 * Sources that follow the remedies of errors. Each pattern matches the last line of a message, which is its remedy; its source does
 * what that says, with the captures above. Several remedies may have the same source.
 */
export const remedies: readonly (readonly [says: RegExp, source: string])[] = [
  [/^Loops must end: use for/, body('for (let i = 0; i < 4; i++) s += c.bias[h][i];')],
  [/^Loop to a constant/, body('for (let i = 0; i < 8; i++) { if (i >= c.n) break; s += i; }')],
  [/^Loop to a constant/, body('for (let i = 0; i < 8; i++) { if (i >= q) break; s += i; }')],
  [/^Use fewer, or compute the sum/, body('for (let i = 0; i < 3; i++) s++; s += c.bias[0][q];')],
  [/^Use if and else, or \?:\./, body('if (q === 1) s++; else if (q > 4) s--; s += q ? 1 : 2;')],
  [/^Mods are pure functions/, body('if (s > 9) return 9;')],
  [
    /^Use break and continue without a label/,
    body('for (let i = 0; i < 3; i++) { if (i > q) break; if (i === kv) continue; s++; }'),
  ],
  [/^Declare it with let\.$/, body('let t = 1; t = s > 1 ? 2 : t; s += t;')],
  [/^Declare it: let t = 0\.$/, body('let t = 0; if (q > kv) t = 2; s += t;')],
  [/^Declare it further up/, body('let t = 1; const f = () => t; t = q; s += f();')],
  [/rename one of them\.$/, body('{ const t = q + 1; s += t; }')],
  [/return what they compute\.$/, body('const t = c.bias[0][1] + 4; s += t * c.n + info.qLen;')],
  [/^Exclude the file that holds the mod/, value('s')],
  [/Pass it in captures: \{ \w+ \}, and read it from/, value('s + c.window')],
  [/Pass captures: \{ \w+ \}\.$/, value('s + c.window')],
  [/There are qLen, kvLen, qRow, kvRow\.$/, value('s + info.qLen - info.kvLen + info.qRow')],
  [/^Pass random numbers as a tensor/, value('s + c.bias[h][kv]')],
  [/There are abs, acos, /, value('Math.floor(s) + Math.exp(s) - 1')],
  [/^Write it without the n/, value('s + 1')],
  [/^Mods have their parameters/, value('s > Infinity || s === undefined ? 0 : Math.abs(s) + c.n')],
  [/^Pass what you need in captures/, 'function (s, b, h, q, kv, c) { return s + c.n; }'],
  [/^Mods compute with numbers/, body('const [t, u] = [c.bias[0][q], 2]; s += t > 0 ? t : u;')],
  [/^Write the arguments out/, value('Math.max(c.bias[0][0], c.bias[0][1], s)')],
  [/^Types are known, and every capture/, value('s + c.n + Math.max(s, 1)')],
  [/^Write a < b && b < c/, value('0 <= q - kv && q - kv < 4 && +(q > kv) < s ? s : 0')],
  [/^Compare values of one type/, value('(q > kv) === (kv > 1) ? s : 0')],
  [/^Give it the same type on every path/, body('let t = 0; if (q > kv) t = 1; s += t;')],
  [/^Use >> for a signed shift/, value('(q >> 0) + (q >>> 1)')],
  [/^Use a number here/, value('info.qLen')],
  [/^Index every dimension/, value('s + c.bias[h][q]')],
  [/^Remove the last index/, value('c.bias[h][q]')],
  [/^Write condition \? 1 : 0\.$/, value('c.bias[q > kv ? 1 : 0][q >= kv ? 0 : 1]')],
  [/^Round it with Math\.floor/, value('c.bias[Math.floor(s)][Math.floor(q / 2)]')],
  [/^Only captures, info and Math/, value('c.bias[h][0] + c.n + info.qLen + Math.PI')],
  [/^Pass the size as a number/, value('s + c.n')],
  [/^Index tables with numbers, and name/, value('c.bias[h][q]')],
  [/^Index the table: c\.table\[0\]/, body('const t = c.bias[0], u = t[0]; s += u;')],
  [/^Name what you need/, body('const { n, window } = c; s += n * window;')],
  [/^Name the capture: \{ bias \}/, body('const { bias } = c, { n: t } = c; s += bias[0][t];')],
  [/^Pass \d\.$/, value('Math.pow(s, 2) + Math.sqrt(s)')],
  [/^Pass the function in captures/, value('c.pair(s, 1)')],
  [/^Pass all of them/, value('c.pair(s, q)')],
  [/^Return the number or boolean itself/, '(s) => s'],
  [/^Pass an arrow function or a function/, 'function (s) { return s; }'],
  [/^Destructure captures, info or Math/, '(s, b, h, q, kv, { n }, { qLen }) => s + n + qLen'],
  [/^Its parameters are \(score/, '(score, b, h, q, kv, captures, info) => score + captures.n'],
  [/^End it with a return/, value('{ if (q > kv) return s; return 0; }')],
  [/^Return -Infinity for a pair/, value('q > kv ? s : -Infinity')],
];
