/**
 * Types that users meet as what something is, and need no name for: by package, the file and the name. Any other type that
 * the site names must be exported; one that is no longer met, or is exported by now, must go from here.
 */
export const unnamedTypes = {
  '@heed/core': ['src/text/capabilities.ts:limitNames', 'src/text/read-options.ts:OptionKind'],
  '@heed/flex': [
    'src/text/ir/expression-node.ts:Node',
    'src/text/frontend/mod-source.ts:ModKind',
    'src/api/flex-attention-vjp.ts:CaptureGradients',
    'src/text/backends/derivative.ts:TableDerivative',
    'src/text/compile/mod-types.ts:AllOf',
    'src/text/compile/mod-types.ts:NeedsCaptures',
    'src/text/compile/compose.ts:MasksOf',
    'src/text/compile/compose.ts:AnyFunction',
    'src/host/block-mask-parts.ts:BlockMaskParts',
  ],
  '@heed/kernels-wgsl': [
    'src/text/parts/kinds.ts:FloatType',
    'src/text/parts/kinds.ts:KeyType',
    'src/text/tiles/tile.ts:TileConfig',
    'src/host/attention-call.ts:CallLengths',
    'src/text/parts/kinds.ts:KeyKind',
    'src/text/parts/kinds.ts:LengthKind',
    'src/text/parts/hook.ts:TableRead',
    'src/plan/plan-attention.ts:PageFormat',
    'src/plan/make-plan.ts:PlanParts',
    'src/host/attention-options.ts:WithLse',
    'src/api/attention-names.ts:ResultOption',
    'src/api/attention-names.ts:VariantOption',
    'src/host/forward-pass.ts:ForwardResult',
  ],
  '@heed/tfjs': ['src/attention/options.ts:Heed'],
};
