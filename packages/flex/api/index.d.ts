/** The public declarations of `@heed/flex`, by tools/api.mjs. */
// #region Interfaces
export interface BlockClasses {
  readonly shape: readonly [number, number, number, number];
  readonly classes: Uint8Array;
  readonly columns: Uint32Array;
  readonly total: number;
  readonly visited: number;
}
export interface BlockMaskOptions<C extends Captures = never> extends Partial<VarlenLayout> {
  readonly B?: number;
  readonly H?: number;
  readonly Lq?: number;
  readonly Lk?: number;
  readonly align?: "start" | "end";
  readonly blockSize?: number | readonly [q: number, k: number];
  readonly captures?: C;
}
export interface CompiledFunction {
  readonly kind: ModKind;
  readonly wgsl: string;
  readonly js: JsMod;
  readonly ir: Node;
  readonly hash: string;
  readonly derivative?: ModDerivative;
  explain(): string;
  toJSON(): PrecompiledMod;
}
export interface CompileOptions {
  readonly kind?: ModKind;
}
export interface DocumentOptions<C extends Captures = never> extends Pick<BlockMaskOptions<C>, "B" | "H" | "blockSize" | "captures"> {
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  readonly L?: number;
}
export interface FlexGradients<C extends Captures = Captures, Name extends string = string> extends Gradients {
  readonly dCaptures: CaptureGradients<C, Name>;
}
export interface FlexOptions<C extends Captures = never, Lse extends boolean = boolean> extends Omit<AttentionOptions<Lse>, BuiltInVariants>, Partial<VarlenLayout> {
  readonly scoreMod?: ScoreMod<C> | PrecompiledMod;
  readonly maskMod?: MaskMod<C> | PrecompiledMod;
  readonly blockMask?: BlockMask;
  readonly captures?: C;
}
export interface FlexProblem<C extends Captures = never> extends Omit<AttentionProblem, BuiltInVariants | "alibi">, Mods<C>, GradOptions {}
export interface FlexTensors<C extends Captures = never> extends FlexOptions<C> {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}
export interface GradOptions<Name extends string = string> {
  readonly grads?: readonly Name[];
}
export interface ModDerivative extends Derivative {
  readonly js: (...args: readonly unknown[]) => {
    score: number;
    tables: number[];
  };
}
export interface PictureOptions extends ReadOptions {
  readonly maxColumns?: number;
}
export interface PrecompiledMod {
  readonly heedMod: number;
  readonly kind: string;
  readonly hash: string;
  readonly captures: readonly object[];
  readonly operations: readonly (readonly (string | number | boolean)[])[];
}
export interface SeqInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}
// #endregion

// #region Types
export type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K]; };
export type Captures = Record<string, Tensor | number | boolean | Function>;
export type JsMod = (...args: readonly unknown[]) => number | boolean;
export type MaskMod<C = {}> = (b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => boolean;
export type ScoreMod<C = {}> = (score: number, b: number, h: number, q: number, kv: number, c: Captured<C>, info: SeqInfo) => number;
export type Table = number & {
  readonly [i: number]: Table;
};
// #endregion

// #region Classes
export declare class BlockMask implements Disposable {
  #private;
  constructor(made: BlockMaskParts);
  static fromCuSeqlens<C extends Captures = {}>(gpu: Gpu, cuSeqlens: GivenLengths, o?: DocumentOptions<C>): BlockMask;
  get blockSize(): readonly [q: number, k: number];
  get shape(): readonly number[];
  get kvNumBlocks(): Tensor;
  get kvIndices(): Tensor;
  get fullKvNumBlocks(): Tensor;
  get fullKvIndices(): Tensor;
  get qNumBlocks(): Tensor;
  get qIndices(): Tensor;
  get fullQNumBlocks(): Tensor;
  get fullQIndices(): Tensor;
  sparsity(o?: ReadOptions): Promise<number>;
  explain(): string;
  toDense(o?: ReadOptions): Promise<BlockClasses>;
  toText(o?: PictureOptions): Promise<string>;
  slice(axis: 0 | 1 | 2, start: number, end: number): BlockMask;
  dispose(): void;
  [Symbol.dispose](): void;
}
// #endregion

// #region Functions
export declare function andMasks<Cs extends readonly unknown[]>(...masks: MasksOf<Cs>): MaskMod<AllOf<Cs>>;
export declare function bind<C extends Captures>(mod: ScoreMod<C>, captures: C): ScoreMod;
export declare function bind<C extends Captures>(mod: MaskMod<C>, captures: C): MaskMod;
export declare function bind<C, B extends Partial<C> & Captures>(mod: ScoreMod<C>, captures: B): ScoreMod<Omit<C, keyof B>>;
export declare function bind<C, B extends Partial<C> & Captures>(mod: MaskMod<C>, captures: B): MaskMod<Omit<C, keyof B>>;
export declare function bind<F extends AnyFunction>(mod: F, captures: Captures): F;
export declare function bind(mod: PrecompiledMod, captures: Captures): ScoreMod & MaskMod;
export declare function compileMod(fn: Function | PrecompiledMod, captures?: Readonly<Record<string, unknown>>, options?: CompileOptions): CompiledFunction;
export declare function createBlockMask<C extends Captures = {}>(gpu: Gpu, maskMod: MaskMod<C> | PrecompiledMod, o: BlockMaskOptions<C> & NeedsCaptures<C>): BlockMask;
export declare function f32(value: number): number;
export declare function flexAttention<C extends Captures = {}, D extends DType = DType, Lse extends boolean = false>(q: Tensor<D>, k: Tensor, v: Tensor, options: FlexOptions<C, Lse> & NeedsCaptures<C>): AttentionResult<D, Lse>;
export declare function flexAttention<C extends Captures = {}, D extends DType = DType, Lse extends boolean = false>(q: Tensor<D>, view: PagedKvView, options?: FlexOptions<C, Lse> & NeedsCaptures<C>): AttentionResult<D, Lse>;
export declare function flexAttentionVjp<C extends Captures = {}, D extends DType = DType, Name extends string = string>(q: Tensor<D>, k: Tensor, v: Tensor, options: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export declare function flexAttentionVjp<C extends Captures = {}, D extends DType = DType, Name extends string = string>(q: Tensor<D>, view: PagedKvView, options?: FlexOptions<C> & NeedsCaptures<C> & GradOptions<Name>): AttentionResult<D, true> & Differentiable<FlexGradients<C, Name>>;
export declare function i32(value: number): number;
export declare function notMask<C = {}>(mask: MaskMod<C> | PrecompiledMod): MaskMod<C>;
export declare function orMasks<Cs extends readonly unknown[]>(...masks: MasksOf<Cs>): MaskMod<AllOf<Cs>>;
export declare function planFlexAttention<C extends Captures = {}>(gpu: Gpu, problem: FlexProblem<C> & NeedsCaptures<C> & {
  readonly backward: true;
}): AttentionPlan<FlexTensors<C>, AttentionResult & Differentiable<FlexGradients>>;
export declare function planFlexAttention<C extends Captures = {}>(gpu: Gpu, problem: FlexProblem<C> & NeedsCaptures<C>): AttentionPlan<FlexTensors<C>>;
export declare function tunable<C extends Captures = {}>(problem: FlexProblem<C>): Tunable;
// #endregion

// #region Referenced (internal)
type AllOf<Cs extends readonly unknown[]> = Cs extends readonly [infer C, ...infer Rest] ? C & AllOf<Rest> : {};
type AnyFunction = (...args: never[]) => unknown;
type BinaryOp = "add" | "sub" | "mul" | "div" | "idiv" | "floordiv" | "mod" | "min" | "max" | "pow" | "atan2" | "bitand" | "bitor" | "bitxor" | "shl" | "shr" | "ushr" | "lt" | "le" | "eq" | "ne" | "and" | "or";
interface BlockMaskParts {
  readonly gpu: Gpu;
  readonly problem: BlockProblem;
  readonly view: BlockView;
  readonly maskMod: Function;
  readonly captures: object | undefined;
  readonly compiled: ResolvedMod;
  readonly dependsOn: {
    readonly b: boolean;
    readonly h: boolean;
  };
  readonly owned: readonly Tensor[];
}
interface BlockProblem extends Pick<Call, "lengths" | "keys" | "batch" | "seqlenQ" | "seqlenK" | "given"> {
  readonly heads: number;
  readonly maxKeys: number;
  readonly align: "start" | "end";
  readonly blockM: number;
  readonly blockN: number;
}
interface BlockView {
  readonly words: Tensor;
  readonly batch: number;
  readonly heads: number;
  readonly rows: number;
  readonly columns: number;
  readonly strides: PlaneStrides;
  readonly some: number;
  readonly full: number;
  readonly extent: number;
  readonly extentBatch: number;
  readonly made: number | undefined;
}
interface BoundUnit {
  readonly kind: "bind";
  readonly mod: Unit;
  readonly captures: CaptureMap;
}
type BuiltInVariants = "causal" | "window" | "softcap" | "alibiSlopes";
interface Canonical {
  readonly graph: Graph;
  readonly root: Node;
  readonly scalars: readonly ScalarSlot[];
  readonly tables: readonly TableSlot[];
}
type Capture = Slot | CapturedFunction;
interface CapturedFunction {
  readonly kind: "function";
  readonly unit: Unit;
}
type CaptureGradients<C extends Captures, Name extends string> = { readonly [K in keyof C as C[K] extends Tensor ? K & Name : never]: Tensor<"f32">; } & Readonly<Record<string, Tensor<"f32">>>;
type CaptureMap = ReadonlyMap<string, Capture>;
interface CombinedUnit {
  readonly kind: "and" | "or" | "not";
  readonly parts: readonly Unit[];
}
interface CompiledMod extends Translation {
  readonly hash: string;
}
interface Derivative {
  readonly score: Node;
  readonly tables: readonly TableDerivative[];
}
type DiagonalInput = "offset";
type FloatFunction = "sqrt" | "exp" | "exp2" | "log" | "log2" | "sin" | "cos" | "tan" | "asin" | "acos" | "atan" | "sinh" | "cosh" | "tanh" | "asinh" | "acosh" | "atanh";
interface FunctionUnit {
  readonly kind: "function";
  readonly name: string;
  readonly text: string;
}
interface Graph {
  const(type: Type, value: number | boolean): Node;
  number(type: Type, value: number): Node;
  i32(value: number): Node;
  f32(value: number): Node;
  bool(value: boolean): Node;
  input(input: Input): Node;
  param(slot: ScalarSlot): Node;
  read(slot: TableSlot, indices: readonly Node[]): Node;
  range(of: RangeOf, indices: readonly Node[], last: Node): readonly [low: Node, high: Node];
  op(op: UnaryOp | BinaryOp, ...args: readonly [Node, Node?]): Node;
  not(a: Node): Node;
  and(...all: readonly Node[]): Node;
  or(...all: readonly Node[]): Node;
  select(condition: Node, a: Node, b: Node): Node;
  adopt(node: Pick<Node, "op" | "type">, args: readonly Node[], data: Node["data"]): Node;
}
interface GraphUnit {
  readonly kind: "graph";
  readonly of: ModKind;
  readonly hash: string;
  readonly root: Node;
  readonly slots: readonly Slot[];
}
type Input = ModInput | SpanInput | DiagonalInput;
type LeafOp = "const" | "input" | "param";
type MasksOf<Cs extends readonly unknown[]> = { readonly [I in keyof Cs]: MaskMod<Cs[I]> | PrecompiledMod; };
type ModInput = "score" | "b" | "h" | "q" | "kv" | "qLen" | "kvLen" | "qRow" | "kvRow";
type ModKind = "score" | "mask";
type Mods<C extends Captures> = Pick<FlexOptions<C>, "scoreMod" | "maskMod" | "blockMask" | "captures">;
type NeedsCaptures<C> = [C] extends [never] ? unknown : {} extends C ? unknown : {
  readonly captures: C;
};
interface NestedArray {
  readonly length: number;
  readonly [i: number]: number | NestedArray;
}
interface Node {
  readonly graph: Graph;
  readonly id: number;
  readonly op: Op;
  readonly type: Type;
  readonly args: readonly Node[];
  readonly data: number | boolean | Input | Slot | RangeOf | undefined;
}
type Op = LeafOp | UnaryOp | BinaryOp | "select" | "read" | "range" | "low" | "high";
interface PlaneStrides {
  readonly batch: number;
  readonly head: number;
  readonly row: number;
}
interface RangeOf {
  readonly slot: TableSlot;
  readonly axis: number;
}
interface Resolution {
  readonly unit: Unit;
  readonly captures: CaptureMap;
  readonly scalars: readonly (number | boolean)[];
  readonly tables: readonly (TableLike | NestedArray)[];
  readonly kinds: readonly ScalarKind[];
  readonly signature: string;
}
interface ResolvedMod {
  readonly mod: CompiledMod;
  readonly resolution: Resolution;
}
interface ScalarKind {
  readonly name: string;
  readonly type: "i32" | "f32" | "bool";
}
interface ScalarSlot {
  readonly kind: "scalar";
  readonly index: number;
  readonly capture: number;
  readonly name: string;
  readonly type: "i32" | "f32" | "bool";
}
type Slot = ScalarSlot | TableSlot;
type SpanInput = "hFirst" | "hLast" | "qFirst" | "qLast" | "kvFirst" | "kvLast";
interface TableDerivative {
  readonly slot: TableSlot;
  readonly indices: readonly Node[];
  readonly value: Node;
}
interface TableLike {
  readonly dtype: DType;
  readonly shape: readonly number[];
}
interface TableSlot {
  readonly kind: "table";
  readonly index: number;
  readonly capture: number;
  readonly name: string;
  readonly dtype: DType;
  readonly rank: number;
}
interface Translation extends Canonical {
  readonly kind: ModKind;
}
type Type = "i32" | "f32" | "bool";
type UnaryOp = "neg" | "abs" | "sign" | "floor" | "ceil" | "trunc" | FloatFunction | "bitnot" | "clz" | "not" | "toF32" | "toI32";
type Unit = FunctionUnit | BoundUnit | CombinedUnit | GraphUnit;
// #endregion
