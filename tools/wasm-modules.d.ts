/** What `import` gives of a module where the host compiles it. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
