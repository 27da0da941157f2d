import type { Node } from '../ir/node.ts';
import type { Slot } from '../ir/slot.ts';

export type ModKind = 'score' | 'mask';

/** A function to compile, with the values that are bound to it: what is known without reading any source. */
export type Unit = FunctionUnit | BoundUnit | CombinedUnit | GraphUnit;

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

/** A precompiled mod. Its captures are looked up by name, as those of a function are. */
export interface GraphUnit {
  readonly kind: 'graph';
  readonly of: ModKind;
  /** Of everything that matters but the names of captures. */
  readonly hash: string;
  readonly root: Node;
  readonly slots: readonly Slot[];
}

export type Capture = Slot | CapturedFunction;

export interface CapturedFunction {
  readonly kind: 'function';
  readonly unit: Unit;
}

export type CaptureMap = ReadonlyMap<string, Capture>;

/** What a mod is by its making; a function may be either. */
export function kindOf(unit: Unit): ModKind | undefined {
  switch (unit.kind) {
    case 'function':
      return undefined;
    case 'graph':
      return unit.of;
    case 'bind':
      return kindOf(unit.mod);
    default:
      return 'mask';
  }
}
