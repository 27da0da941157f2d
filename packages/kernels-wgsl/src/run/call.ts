import type { Call } from '../api/call.ts';
import { factsOfCall } from '../plan/problem.ts';
import { knownSelection } from '../plan/known-selection.ts';
import { type ForwardResult, runForward } from './forward.ts';
import { recorderTarget } from './target.ts';

/** Runs a checked call with the kernel that its problem selects. */
export function runCall(call: Call, keepsStates = false): ForwardResult {
  const { gpu } = call;
  const selection = knownSelection(gpu, factsOfCall(call));
  return gpu.batch(() => runForward(call, selection, recorderTarget(gpu), keepsStates));
}
