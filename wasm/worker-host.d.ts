/** The script of a worker for the `worker` option of linformer-wasm/worker. It exports nothing. */
export {}
