/** Runs tasks, at most `lanes` of them at a time, begun in their order; gives their results in that order too. */
export async function inLanes(tasks, lanes) {
  const results = [];
  const waiting = tasks.entries();
  const lane = async () => {
    for (const [index, task] of waiting) results[index] = await task();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
