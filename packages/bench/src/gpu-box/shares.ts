import { type CardLimits, type CaseResult, isMeasured } from './report.ts';

/** heed's FLOP/s over those of the card's f16 matrix product; undefined where either was not measured. */
export function shareOfMatmul(
  { heed, flops }: CaseResult,
  { torch }: CardLimits,
): number | undefined {
  if (!isMeasured(heed) || !isMeasured(torch)) return undefined;
  return flops / heed.ms.median / 1e9 / torch.teraflops;
}

/** The bytes that a case moves at least, over heed's time, over the card's rate of copying: the better of the two programs'. */
export function shareOfCopy(
  { heed, bytes }: CaseResult,
  { copyGigabytes, torch }: CardLimits,
): number | undefined {
  if (!isMeasured(heed)) return undefined;
  const limit = Math.max(copyGigabytes, isMeasured(torch) ? torch.gigabytes : 0);
  return bytes / heed.ms.median / 1e6 / limit;
}
