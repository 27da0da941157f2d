// Names of SPIR-V's operations in CUDA C++, for the text that cuda-writer.ts makes of a kernel.
#pragma once
#include <cuda_fp16.h>
#define INLINE __device__ __forceinline__
typedef unsigned int uint;
struct alignas(8) half4 { half x, y, z, w; };
struct half3 { half x, y, z; };
struct bool2 { bool x, y; };
struct bool3 { bool x, y, z; };
struct bool4 { bool x, y, z, w; };

template <class To, class From> INLINE To bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bitcast keeps the size");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}

// An element of a buffer that the kernel does not write.
template <class T> INLINE T read(const T* place) { return __ldg(place); }
template <> INLINE half4 read(const half4* place) { return bits<half4>(__ldg((const uint2*)place)); }
INLINE uint3 read(const uint3* place) { return *place; }
INLINE float3 read(const float3* place) { return *place; }

INLINE float least(float a, float b) { return fminf(a, b); }
INLINE float greatest(float a, float b) { return fmaxf(a, b); }
INLINE half least(half a, half b) { return __hmin(a, b); }
INLINE half greatest(half a, half b) { return __hmax(a, b); }
INLINE int least(int a, int b) { return min(a, b); }
INLINE int greatest(int a, int b) { return max(a, b); }
INLINE uint least(uint a, uint b) { return min(a, b); }
INLINE uint greatest(uint a, uint b) { return max(a, b); }
INLINE float fused(float a, float b, float c) { return fmaf(a, b, c); }
INLINE half fused(half a, half b, half c) { return __hfma(a, b, c); }

INLINE uint pack_halves(float2 value) { return bits<uint>(__floats2half2_rn(value.x, value.y)); }
INLINE float2 unpack_halves(uint value) { return __half22float2(bits<__half2>(value)); }
INLINE uint extract_bits(uint value, uint offset, uint count) { return count == 0u ? 0u : value << (32u - offset - count) >> (32u - count); }
INLINE int extract_bits(int value, uint offset, uint count) { return count == 0u ? 0 : value << (32u - offset - count) >> (32u - count); }

template <class T> INLINE T lanes_add(T value) {
  for (uint lane = 16u; lane > 0u; lane /= 2u) value += __shfl_xor_sync(~0u, value, lane);
  return value;
}
template <class T> INLINE T lanes_min(T value) {
  for (uint lane = 16u; lane > 0u; lane /= 2u) value = least(value, __shfl_xor_sync(~0u, value, lane));
  return value;
}
template <class T> INLINE T lanes_max(T value) {
  for (uint lane = 16u; lane > 0u; lane /= 2u) value = greatest(value, __shfl_xor_sync(~0u, value, lane));
  return value;
}

// Subgroup matrices by ldmatrix and mma.sync.m16n8k16, whose layouts of registers the PTX ISA defines ("Matrix Fragments for
// mma.m16n8k16 with floating point type"). A left operand has 4 registers per 16 x 16, a right one 2 per 16 x 8, a result 4 per 16 x 8.
enum Use { Left, Right, Result };
template <Use use, uint rows, uint columns> struct Matrix;
template <uint rows, uint columns> struct Matrix<Left, rows, columns> {
  static_assert(rows % 16 == 0 && columns % 16 == 0, "a left operand is tiled by 16 x 16");
  uint r[rows / 16][columns / 16][4];
};
template <uint rows, uint columns> struct Matrix<Right, rows, columns> {
  static_assert(rows % 16 == 0 && columns % 8 == 0, "a right operand is tiled by 16 x 8");
  uint r[rows / 16][columns / 8][2];
};
template <uint rows, uint columns> struct Matrix<Result, rows, columns> {
  static_assert(rows % 16 == 0 && columns % 8 == 0, "a result is tiled by 16 x 8");
  float r[rows / 16][columns / 8][4];
};

// Four (or two) 8 x 8 blocks: lane l has the address of row l % 8 of block l / 8.
template <bool transposed> INLINE void load_blocks(uint (&to)[4], const void* row) {
  uint address = __cvta_generic_to_shared(row);
  if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address) : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(address) : "memory");
}
template <bool transposed> INLINE void load_blocks(uint (&to)[2], const void* row) {
  uint address = __cvta_generic_to_shared(row);
  if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(address) : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(address) : "memory");
}

// `stride` counts elements of the pointer's type, which may be a vector of components.
template <bool column_major, uint rows, uint columns, class T>
INLINE void load_matrix(Matrix<Left, rows, columns>& to, const T* from, uint stride) {
  uint lane = threadIdx.x % 32u, line = lane % 8u, low = lane / 8u % 2u * 8u, high = lane / 16u * 8u;
#pragma unroll
  for (uint m = 0u; m < rows / 16u; m++)
#pragma unroll
    for (uint k = 0u; k < columns / 16u; k++) {
      uint row = m * 16u + (column_major ? low : low + line), column = k * 16u + (column_major ? high + line : high);
      uint major = column_major ? column : row, minor = column_major ? row : column;
      load_blocks<column_major>(to.r[m][k], (const half*)(from + major * stride) + minor);
    }
}
template <bool column_major, uint rows, uint columns, class T>
INLINE void load_matrix(Matrix<Right, rows, columns>& to, const T* from, uint stride) {
  uint lane = threadIdx.x % 32u, line = lane % 8u, low = lane / 8u % 2u * 8u, high = lane / 16u * 8u;
#pragma unroll
  for (uint k = 0u; k < rows / 16u; k++)
    if constexpr (columns % 16 == 0) {
#pragma unroll
      for (uint n = 0u; n < columns / 16u; n++) {
        uint row = k * 16u + (column_major ? low : low + line), column = n * 16u + (column_major ? high + line : high);
        uint major = column_major ? column : row, minor = column_major ? row : column;
        uint blocks[4];
        load_blocks<!column_major>(blocks, (const half*)(from + major * stride) + minor);
        to.r[k][2u * n][0] = blocks[0], to.r[k][2u * n][1] = blocks[1], to.r[k][2u * n + 1u][0] = blocks[2], to.r[k][2u * n + 1u][1] = blocks[3];
      }
    } else {
#pragma unroll
      for (uint n = 0u; n < columns / 8u; n++) {
        uint row = k * 16u + (column_major ? low : low + line), column = n * 8u + (column_major ? line : 0u);
        uint major = column_major ? column : row, minor = column_major ? row : column;
        load_blocks<!column_major>(to.r[k][n], (const half*)(from + major * stride) + minor);
      }
    }
}

// Lane l has columns 2 (l % 4) and the next of rows l / 4 and l / 4 + 8.
template <bool column_major, bool store, class M, class T> INLINE void move_result(M& matrix, T* place, uint stride, uint rows, uint columns) {
  uint lane = threadIdx.x % 32u;
#pragma unroll
  for (uint m = 0u; m < rows / 16u; m++)
#pragma unroll
    for (uint n = 0u; n < columns / 8u; n++)
#pragma unroll
      for (uint half_rows = 0u; half_rows < 2u; half_rows++) {
        uint row = m * 16u + lane / 4u + half_rows * 8u, column = n * 8u + lane % 4u * 2u;
        float* r = &matrix.r[m][n][half_rows * 2u];
        if constexpr (column_major) {
          float *a = (float*)(place + column * stride) + row, *b = (float*)(place + (column + 1u) * stride) + row;
          if constexpr (store) *a = r[0], *b = r[1];
          else r[0] = *a, r[1] = *b;
        } else {
          float2* a = (float2*)((float*)(place + row * stride) + column);
          if constexpr (store) *a = float2{r[0], r[1]};
          else { float2 pair = *a; r[0] = pair.x, r[1] = pair.y; }
        }
      }
}
template <bool column_major, uint rows, uint columns, class T>
INLINE void load_matrix(Matrix<Result, rows, columns>& to, T* from, uint stride) { move_result<column_major, false>(to, from, stride, rows, columns); }
template <bool column_major, uint rows, uint columns, class T>
INLINE void store_matrix(Matrix<Result, rows, columns> from, T* to, uint stride) { move_result<column_major, true>(from, to, stride, rows, columns); }

template <uint rows, uint inner, uint columns>
INLINE Matrix<Result, rows, columns> multiply_add(Matrix<Left, rows, inner> a, Matrix<Right, inner, columns> b, Matrix<Result, rows, columns> c) {
#pragma unroll
  for (uint m = 0u; m < rows / 16u; m++)
#pragma unroll
    for (uint n = 0u; n < columns / 8u; n++)
#pragma unroll
      for (uint k = 0u; k < inner / 16u; k++)
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(c.r[m][n][0]), "+f"(c.r[m][n][1]), "+f"(c.r[m][n][2]), "+f"(c.r[m][n][3])
            : "r"(a.r[m][k][0]), "r"(a.r[m][k][1]), "r"(a.r[m][k][2]), "r"(a.r[m][k][3]), "r"(b.r[k][n][0]), "r"(b.r[k][n][1]));
  return c;
}
template <class M> INLINE M filled(float value) {
  M matrix;
#pragma unroll
  for (uint i = 0u; i < sizeof(M) / 4u; i++) (&matrix.r[0][0][0])[i] = value;
  return matrix;
}
template <class M> INLINE M scale(M matrix, float factor) {
#pragma unroll
  for (uint i = 0u; i < sizeof(M) / 4u; i++) (&matrix.r[0][0][0])[i] *= factor;
  return matrix;
}
// Element by element: Dawn multiplies by a number as by a matrix that holds nothing else.
template <uint rows, uint columns>
INLINE Matrix<Result, rows, columns> operator*(Matrix<Result, rows, columns> a, Matrix<Result, rows, columns> b) {
#pragma unroll
  for (uint i = 0u; i < sizeof(a) / 4u; i++) (&a.r[0][0][0])[i] *= (&b.r[0][0][0])[i];
  return a;
}
