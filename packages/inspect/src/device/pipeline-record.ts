import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What the driver says of one compiled pipeline. */
export interface PipelineRecord {
  /** The kernel's label, '' if its program gave none. */
  readonly label: string;
  /** Lanes of a wave. */
  readonly lanes: number;
  /** The compiler's statistics, by its names. */
  readonly statistics: Readonly<Record<string, number>>;
  /** Files with the SPIR-V and the assembly. */
  readonly spirv: string;
  readonly assembly: string;
}

interface RecordFile {
  readonly label: string;
  readonly subgroupSize: number;
  readonly statistics: Record<string, number>;
}

/** Returns the records of a folder that were not taken before, in the order in which the pipelines were compiled. */
export function takeRecords(folder: string): PipelineRecord[] {
  const numbers = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => Number.parseInt(name))
    .toSorted((a, b) => a - b);
  return numbers.map((number) => {
    const at = (extension: string): string => join(folder, `${number}.${extension}`);
    const record = JSON.parse(readFileSync(at('json'), 'utf8')) as RecordFile;
    rmSync(at('json'));
    return {
      label: labelOf(record.label),
      lanes: record.subgroupSize,
      statistics: record.statistics,
      spirv: at('spv'),
      assembly: at('s'),
    };
  });
}

/** Removes what Dawn puts before the label of a module. */
function labelOf(name: string): string {
  return name.replace(/^(DawnDbg=\d+;)?Dawn_ShaderModule_?/, '');
}

const OP_EXECUTION_MODE = 16;
const LOCAL_SIZE = 17;

/** Returns the threads of a workgroup: the product of the SPIR-V's local size. */
export function workgroupThreads(spirv: string): number {
  const { buffer, byteOffset, byteLength } = readFileSync(spirv);
  const words = new Uint32Array(buffer.slice(byteOffset, byteOffset + byteLength));
  const headerWords = 5;
  for (let at = headerWords; at < words.length; at += words[at]! >>> 16) {
    const isLocalSize = (words[at]! & 0xffff) === OP_EXECUTION_MODE && words[at + 2] === LOCAL_SIZE;
    if (isLocalSize) return words[at + 3]! * words[at + 4]! * words[at + 5]!;
  }
  throw new Error(`${spirv} declares no workgroup size.`);
}
