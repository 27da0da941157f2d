import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gradcheckNames } from '../../packages/conformance/src/gradcheck/gradcheck.ts';
import { inputNames } from '../../packages/conformance/src/gradcheck/gradcheck-inputs.ts';
import { runNames } from '../../packages/conformance/src/run/run-conformance.ts';
import { selectionNames } from '../../packages/conformance/src/run/select-cases.ts';
import { openNames } from '../../packages/core/src/device/open-gpu.ts';
import { warmupNames } from '../../packages/core/src/device/warmup.ts';
import * as tensor from '../../packages/core/src/tensor/create-tensor.ts';
import { readNames } from '../../packages/core/src/tensor/read-tensor.ts';
import { flexTopKeysNames } from '../../packages/flex/src/api/flex-top-keys.ts';
import * as flex from '../../packages/flex/src/api/flex-options.ts';
import { flexKeyMassNames, flexWeightsNames } from '../../packages/flex/src/api/flex-weights.ts';
import * as mask from '../../packages/flex/src/host/block-mask-options.ts';
import { compileNames } from '../../packages/flex/src/text/compile/compile-mod.ts';
import * as api from '../../packages/kernels-wgsl/src/api/attention-names.ts';
import { topKeysNames } from '../../packages/kernels-wgsl/src/api/top-keys.ts';
import * as plan from '../../packages/kernels-wgsl/src/plan/problem-names.ts';
import {
  keyMassNames,
  weightsNames,
} from '../../packages/kernels-wgsl/src/api/attention-weights.ts';
import { tuneNames } from '../../packages/kernels-wgsl/src/tune/tune-options.ts';
import { appendNames } from '../../packages/kvcache/src/cache/append-step.ts';
import { rotaryNames } from '../../packages/kvcache/src/kernels/rotary.ts';
import * as cache from '../../packages/kvcache/src/cache/cache-options.ts';
import { keepNames } from '../../packages/kvcache/src/cache/kv-sequence.ts';
import { prefixNamesOptions } from '../../packages/kvcache/src/pages/prefix-names.ts';
import { eventBatchNames } from '../../packages/kvcache/src/cache/event-batch.ts';
import { statsNames } from '../../packages/kvcache/src/cache/cache-stats.ts';
import { loadNames } from '../../packages/kvcache/src/cache/load-pages.ts';
import { saveNames } from '../../packages/kvcache/src/cache/save-pages.ts';
import { fsNames } from '../../packages/kvcache/src/stores/fs-store.ts';
import { httpNames } from '../../packages/kvcache/src/stores/http-store.ts';
import { routeNames, routerNames } from '../../packages/router/src/router-options.ts';
import { followNames } from '../../packages/valkey/src/follow-events.ts';
import { publishNames } from '../../packages/valkey/src/publish-events.ts';
import { valkeyStoreNames } from '../../packages/valkey/src/store-options.ts';
import { openNames as openTfjsNames } from '../../packages/tfjs/src/device/open-tfjs.ts';
import * as tfjs from '../../packages/tfjs/src/attention/tfjs-options.ts';
import { fieldsOf, optionPage } from '../docs/option-page.mjs';
import { root } from '../lib/tool.mjs';

const attention = ['kernels-wgsl:AttentionOptions'];
const varlen = [...attention, 'kernels-wgsl:VarlenLayout'];
const flexOptions = ['flex:FlexOptions', ...varlen];
const grads = 'flex:GradOptions';
const [rows, lse] = ['kernels-wgsl:RowsOption', 'kernels-wgsl:LseOption'];

/** Describes a function: its table of names, the interfaces of its options, and the options of those that it lacks. */
const of = (signature, names, interfaces, without = []) => ({
  signature,
  names,
  interfaces,
  without,
});

const results = ['out', 'returnLse', 'returnMax'];
const variants = ['causal', 'window', 'softcap', 'alibiSlopes'];
const packages = [
  [
    '@heed/core',
    [
      of('openGpu(options?)', openNames, ['core:OpenGpuOptions']),
      of('gpu.tensor(data, options)', tensor.tensorNames, ['core:TensorOptions']),
      of('gpu.empty(shape, options?)', tensor.emptyNames, ['core:EmptyOptions']),
      of('gpu.wrap(buffer, options)', tensor.wrapNames, ['core:WrapOptions']),
      of('gpu.fromBytes(bytes, options)', tensor.bytesNames, ['core:BytesOptions']),
      of('tensor.read(options?)', readNames, ['core:ReadOptions']),
    ],
  ],
  [
    '@heed/kernels-wgsl',
    [
      of('attention(q, k, v, options?)', api.attentionNames, attention),
      of('attentionVjp(q, k, v, options?)', api.attentionNames, attention),
      of('varlenAttention(q, k, v, options)', api.varlenNames, varlen),
      of('varlenAttentionVjp(q, k, v, options)', api.varlenNames, varlen),
      of('topKeys(q, k, options)', topKeysNames, [
        'kernels-wgsl:TopKeysOptions',
        'kernels-wgsl:IndexerOptions',
        varlen[1],
      ]),
      of('attentionWeights(q, k, options?)', weightsNames, [rows, lse, ...varlen]),
      of('keyMass(q, k, options?)', keyMassNames, [lse, ...varlen]),
      of('planAttention(gpu, problem)', plan.problemNames, ['kernels-wgsl:AttentionProblem']),
      of('plan.run(tensors), plan.record(tensors)', plan.tensorNames, [
        'kernels-wgsl:AttentionTensors',
        ...varlen,
      ]),
      of('plan.warmup(options?)', warmupNames, ['core:WarmupOptions']),
      of('tune(gpu, problems, options?)', tuneNames, ['kernels-wgsl:TuneOptions']),
    ],
  ],
  [
    '@heed/flex',
    [
      of('flexAttention(q, k, v, options)', flex.flexNames, flexOptions, variants),
      of(
        'flexAttentionVjp(q, k, v, options)',
        flex.flexVjpNames,
        [grads, ...flexOptions],
        variants,
      ),
      of(
        'planFlexAttention(gpu, problem)',
        flex.flexProblemNames,
        ['flex:FlexOptions', grads, 'kernels-wgsl:AttentionProblem'],
        variants,
      ),
      of('topKeys(q, k, options) with mods', flexTopKeysNames, [
        'flex:FlexTopKeysOptions',
        'kernels-wgsl:IndexerOptions',
        varlen[1],
      ]),
      of(
        'attentionWeights(q, k, options) with mods',
        flexWeightsNames,
        [rows, lse, ...flexOptions],
        variants,
      ),
      of('keyMass(q, k, options) with mods', flexKeyMassNames, [lse, ...flexOptions], variants),
      of('createBlockMask(gpu, maskMod, o)', mask.blockMaskNames, [
        'flex:BlockMaskOptions',
        varlen[1],
      ]),
      of(
        'BlockMask.fromCuSeqlens(gpu, cuSeqlens, o?)',
        mask.documentNames,
        ['flex:DocumentOptions', 'flex:BlockMaskOptions'],
        ['Lq', 'Lk', 'align'],
      ),
      of('mask.toText(o?)', mask.pictureNames, ['flex:PictureOptions', 'core:ReadOptions']),
      of('compileMod(fn, captures?, options?)', compileNames, ['flex:CompileOptions']),
    ],
  ],
  [
    '@heed/kvcache',
    [
      of('PagedKvCache.create(gpu, options)', cache.cacheNames, [
        'kvcache:CacheOptions',
        'kvcache:LayerOptions',
        'kvcache:MemoryOptions',
      ]),
      of('PagedKvCache.create(gpu, options) with groups', cache.groupedNames, [
        'kvcache:GroupedCacheOptions',
        'kvcache:MemoryOptions',
      ]),
      of('each of the groups', cache.groupNames, ['kvcache:CacheGroup', 'kvcache:LayerOptions']),
      of('cache.stats(options?)', statsNames, ['kvcache:StatsOptions']),
      of('cache.open(options?)', cache.openNames, ['kvcache:OpenOptions']),
      of('prefixNames(tokens, options)', prefixNamesOptions, ['kvcache:PrefixNamesOptions']),
      of('cache.append(layer, seqs, k, v, options?)', appendNames, ['kvcache:AppendOptions']),
      of('the rotary of append', rotaryNames, ['kvcache:AppendRotary', 'kvcache:RotaryTables']),
      of('sequence.keep(rows, options?)', keepNames, ['kvcache:KeepOptions']),
      of('rotate(gpu, q, rotary, out?)', rotaryNames, ['kvcache:Rotary', 'kvcache:RotaryTables']),
      of('cache.save(store, options)', saveNames, ['kvcache:SaveOptions', 'kvcache:StoreOptions']),
      of('cache.load(store, options)', loadNames, ['kvcache:LoadOptions', 'kvcache:StoreOptions']),
      of('encodeEventBatch(events, options?)', eventBatchNames, ['kvcache:EventBatchOptions']),
      of('fsStore(folder, options?)', fsNames, ['kvcache:FsStoreOptions']),
      of('httpStore(base, options?)', httpNames, ['kvcache:HttpStoreOptions']),
    ],
  ],
  [
    '@heed/router',
    [
      of('createRouter(options)', routerNames, ['router:RouterOptions']),
      of('router.route(names, options)', routeNames, ['router:RouteOptions']),
    ],
  ],
  [
    '@heed/valkey',
    [
      of('valkeyStore(client, options?)', valkeyStoreNames, ['valkey:ValkeyStoreOptions']),
      of('publishKvEvents(cache, client, options)', publishNames, ['valkey:PublishOptions']),
      of('followKvEvents(client, router, options)', followNames, ['valkey:FollowOptions']),
    ],
  ],
  [
    '@heed/conformance',
    [
      of('runConformance(gpu, options?)', runNames, [
        'conformance:RunOptions',
        'conformance:Selection',
      ]),
      of('selectCases(selection?)', selectionNames, ['conformance:Selection']),
      of(
        'the inputs of gradcheck',
        inputNames,
        ['conformance:GradcheckInputs', grads, ...flexOptions],
        variants,
      ),
      of('gradcheck(fn, inputs, options?)', gradcheckNames, ['conformance:GradcheckOptions']),
    ],
  ],
  [
    '@heed/tfjs',
    [
      of('openTfjs(options?)', openTfjsNames, ['tfjs:OpenTfjsOptions']),
      of('attention(q, k, v, options?) with TensorFlow.js', tfjs.attentionNames, attention, [
        ...results,
      ]),
      of(
        'flexAttention(q, k, v, options) with TensorFlow.js',
        tfjs.flexNames,
        [grads, ...flexOptions],
        [...variants, ...results],
      ),
    ],
  ],
];

describe('the table of each function has the names of its options in the types', () => {
  const functions = packages.flatMap(([, list]) => list);
  it.for(functions.map((one) => [one.signature, one]))(
    '%s',
    ([, { names, interfaces, without }]) => {
      const typed = new Set(interfaces.flatMap((name) => [...fieldsOf(name).keys()]));
      for (const name of without) expect(typed.delete(name)).toBe(true);
      expect(new Set(Object.keys(names))).toEqual(typed);
    },
  );
});

it('docs/options.md is what the tables and docstrings say; `vitest -u` writes it', async () => {
  const path = join(root, 'docs', 'options.md');
  await expect(optionPage(packages)).toMatchFileSnapshot(path);
});
