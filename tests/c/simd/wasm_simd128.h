/* wasm_simd128.h - WebAssembly's SIMD on this machine, by SIMDe, so that sanitizers see what kernels_simd128.c does */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
