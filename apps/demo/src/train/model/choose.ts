/** A token by the scores of all, in proportion to exp(score / temperature). */
export function choose(scores: Float32Array, temperature: number, uniform: () => number): number {
  const most = Math.max(...scores);
  if (temperature === 0) return scores.indexOf(most);
  const powers = scores.map((score) => Math.exp((score - most) / temperature));
  let left = uniform() * powers.reduce((a, b) => a + b, 0);
  const found = powers.findIndex((power) => (left -= power) < 0);
  return found < 0 ? powers.indexOf(Math.max(...powers)) : found;
}
