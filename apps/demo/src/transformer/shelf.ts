import type { Model } from './model.ts';

/** A model that one room leaves for another. */
export interface ShelvedModel {
  readonly model: Model;
  /** Where it came from, for people: "trained here, 600 steps". */
  readonly origin: string;
}

type Listener = (shelved: ShelvedModel) => void;

let shelved: ShelvedModel | undefined;
const listeners = new Set<Listener>();

/** Leaves a model for the other rooms, in place of the one before. */
export function putModel(next: ShelvedModel): void {
  shelved = next;
  for (const listener of listeners) listener(next);
}

/** What was left last; undefined before. */
export function getModel(): ShelvedModel | undefined {
  return shelved;
}

/** Calls back whenever a model is left; gives what ends it. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
