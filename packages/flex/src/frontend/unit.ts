import type { Slot } from '../ir/slot.ts';

/** A function to compile, with the values that are bound to it: what is known without reading any source. */
export type Unit = FunctionUnit | BoundUnit | CombinedUnit;

export interface FunctionUnit {
  readonly kind: 'function';
  readonly name: string;
  readonly text: string;
}

/** A mod with a scope of its own; what it lacks comes from the caller's captures. */
export interface BoundUnit {
  readonly kind: 'bind';
  readonly mod: Unit;
  readonly captures: CaptureMap;
}

/** A combination of masks. */
export interface CombinedUnit {
  readonly kind: 'and' | 'or' | 'not';
  readonly parts: readonly Unit[];
}

export type Capture = Slot | CapturedFunction;

export interface CapturedFunction {
  readonly kind: 'function';
  readonly unit: Unit;
}

export type CaptureMap = ReadonlyMap<string, Capture>;
