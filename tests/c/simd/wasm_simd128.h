/* wasm_simd128.h - WebAssembly's SIMD on this machine, by SIMDe, so that sanitizers see what the SIMD kernels do */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/wasm/simd128.h>
