import { describe, expect, it } from 'vitest';
import { writeCuda } from '../../src/nvidia/cuda-writer.ts';
import { parseSpirv } from '../../src/spirv/spirv-module.ts';
import { loopKernel, spirvWords } from './spirv-words.ts';

describe('writeCuda', () => {
  it('keeps the blocks, the order of operations and the phis of a kernel', () => {
    expect(writeCuda(parseSpirv(loopKernel(9)))).toMatchInlineSnapshot(`
      "#include "prelude.cuh"
      struct T7 { float4 e[576]; };
      struct T10 { uint m0; };
      __shared__ __align__(16) T7 w20;
      __constant__ T10 u21;
      #define BUFFERS 
      #define PARAMETERS 
      #define ARGUMENTS 
      extern "C" __global__ void __launch_bounds__(64, 1) kernel(BUFFERS)
      {
      uint v60;
      uint v61;
      bool v62;
      uint v63; uint p63;
      uint v65;
      bool v66;
      float4 v68;
      uint v70;
      L51:;
      v60 = threadIdx.x;
      v61 = uint(uint(v60) * uint(9u));
      v62 = v60 == 64u;
      if (v62) goto L52; else goto L53;
      L52:;
      return;
      L53:;
      p63 = 0u;
      goto L54;
      L54:;
      v63 = p63;
      goto L58;
      L58:;
      v65 = u21.m0;
      v66 = v63 < v65;
      if (v66) goto L55; else goto L57;
      L55:;
      v68 = w20.e[v60];
      w20.e[v61] = v68;
      __syncthreads();
      goto L56;
      L56:;
      v70 = uint(uint(v63) + uint(1u));
      p63 = v70;
      goto L54;
      L57:;
      return;
      }
      "
    `);
  });

  it('refuses words of another kind and operations that it does not know', () => {
    expect(() => parseSpirv(new Uint32Array([1, 2, 3]))).toThrow('magic number');
    const kernel = spirvWords([
      ['TypeVoid', 1],
      ['Function', 1, 50, 0, 2],
      ['Label', 51],
    ]);
    expect(() => parseSpirv(Uint32Array.from([...kernel, (1 << 16) | 400]))).toThrow(
      'opcode 400 is not supported',
    );
  });
});
