import type { Call } from '../api/call.ts';
import type { AttentionResult } from '../api/options.ts';
import { factsOfCall } from '../plan/problem.ts';
import { knownSelection } from '../plan/known-selection.ts';
import { runForward } from './forward.ts';
import { recorderTarget } from './target.ts';

/** Runs a checked call with the kernel that its problem selects. */
export function runCall(call: Call): AttentionResult {
  const { gpu } = call;
  const selection = knownSelection(gpu, factsOfCall(call));
  return gpu.batch(() => runForward(call, selection, recorderTarget(gpu)));
}
