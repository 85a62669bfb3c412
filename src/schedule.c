/* schedule.c - who works on which tile
 *
 * The tiles of a pass are dealt out in chunks. A thread takes the next chunk by one atomic addition and does its tiles in
 * order; the thread that finishes the last chunk of a pass does what comes between passes and starts the next one. Only
 * that thread ever writes `pass`, and only when nobody holds a chunk, so a thread that holds one may read it freely.
 * With one thread this is a loop over the tiles.
 *
 * Nobody waits for another thread without bound, since a host may have ended it in the midst of a tile: the caller of
 * lf_schedule_cancel and lf_schedule_work tries for a moment and says so, and the host, which knows what became of its threads, decides. */
#include "run.h"

enum { NO_CHUNK = 1 << 30 };

/* Rounds of a loop that waits for another thread: a fraction of a millisecond, longer than what comes between two passes
 * and than it takes to put a thread to sleep and to wake it. */
enum { SPINS = 100000 };

/* Returns when the value is no longer `seen`, or earlier. After a while it sleeps, in WebAssembly; a native thread
 * returns and is called again. */
static void wait_while(atomic_int *value, int32_t seen) {
  for (int32_t spins = 0; spins < SPINS; spins++) {
    if (atomic_load(value) != seen) return;
  }
#ifdef __wasm_atomics__
  __builtin_wasm_memory_atomic_wait32((int32_t *)(void *)value, seen, -1);
#else
  (void)value;
  (void)seen;
#endif
}

static void wake_all(atomic_int *value) {
#ifdef __wasm_atomics__
  __builtin_wasm_memory_atomic_notify((int32_t *)(void *)value, UINT32_MAX);
#else
  (void)value;
#endif
}

/* Chunks become shorter: a quarter of the tiles is dealt out evenly, the rest in shares of 2 n_chunks - 1, ..., 5, 3, 1. So
 * threads end a pass nearly together, whichever of them was held up. With LF_CHUNK_TILES tiles a chunk none is empty. */
static int32_t first_tile(const lf_run *run, int32_t chunk) {
  const int64_t all = run->n_chunks;
  const int64_t left = all - chunk;
  return (int32_t)(run->n_tiles * (all * chunk + 3 * (all * all - left * left)) / (4 * all * all));
}

/* Opens the run's pass to all threads. */
static void open_pass(lf_run *run) {
  const int32_t layer = lf_projected_layer(run);
  if (layer >= 0) lf_projection_begin(run, run->p, layer);
  atomic_store(&run->chunks_done, 0);
  atomic_store(&run->next_chunk, 0);
  if (run->n_threads == 1) return;
  atomic_fetch_add(&run->generation, 1);
  wake_all(&run->generation);
}

void lf_schedule_begin(lf_run *run) {
  run->pass = 0;
  run->n_passes = lf_n_passes(&run->model->config);
  run->n_tiles = (int32_t)lf_tiles((size_t)run->n);
  run->n_chunks = run->n_tiles / LF_CHUNK_TILES;
  if (run->n_chunks < 1) run->n_chunks = 1;
  if (run->n_chunks > LF_CHUNKS) run->n_chunks = LF_CHUNKS;
  atomic_store(&run->tiles_done, 0);
  run->quiet = 0;
  atomic_store(&run->cancelled, 0);
  open_pass(run);
}

int lf_schedule_cancel(lf_run *run) {
  if (run->quiet) return 1;
  atomic_store(&run->next_chunk, NO_CHUNK);
  atomic_store(&run->cancelled, 1);
  for (int32_t spins = 0; atomic_load(&run->active) > 0; spins++) {
    if (spins == SPINS) return 0;
  }
  /* Whoever comes from now on sees `cancelled` before it takes a chunk, until the next document. */
  atomic_store(&run->next_chunk, NO_CHUNK); /* the last of them may have opened another pass */
  run->workers[0].chunk = -1;
  run->quiet = 1;
  return 1;
}

int lf_schedule_finished(const lf_run *run) { return atomic_load(&run->tiles_done) == run->n_passes * run->n_tiles; }

/* The next chunk of the pass becomes the worker's. Returns 0 if all are taken. */
static int take_chunk(lf_worker *worker) {
  lf_run *run = worker->run;
  if (atomic_load(&run->next_chunk) >= LF_CHUNKS) return 0; /* do not count up for ever */
  const int32_t chunk = atomic_fetch_add(&run->next_chunk, 1);
  if (chunk >= run->n_chunks) return 0;
  worker->chunk = chunk;
  worker->tile = first_tile(run, chunk);
  lf_begin_chunk(worker);
  return 1;
}

static void finish_chunk(lf_worker *worker) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  if (run->n_threads == 1 && layer >= 0) lf_projection_add(run, layer, worker->p);
  worker->chunk = -1;
  if (atomic_fetch_add(&run->chunks_done, 1) + 1 < run->n_chunks) return;
  lf_between_passes(worker);
  run->pass++;
  if (run->pass < run->n_passes) open_pass(run);
}

/* One tile of the worker's chunk, or of a chunk that it takes; the worker that finishes a pass starts the next one.
 * Returns 0 if there was no tile to take. */
static int work_tile(lf_worker *worker) {
  lf_run *run = worker->run;
  if (worker->chunk < 0 && !take_chunk(worker)) return 0;
  const int32_t end = first_tile(run, worker->chunk + 1);
  lf_encode_tile(worker);
  worker->tile++;
  if (worker->tile == end) finish_chunk(worker);
  atomic_fetch_add(&run->tiles_done, 1);
  return 1;
}

int lf_schedule_work(lf_run *run, int32_t max_tiles) {
  int32_t spins = 0;
  for (int32_t tiles = 0; tiles < max_tiles && !lf_schedule_finished(run);) {
    if (work_tile(&run->workers[0])) {
      tiles++;
    } else if (++spins == SPINS) {
      break;
    }
  }
  return lf_schedule_finished(run);
}

void lf_schedule_serve(lf_worker *worker) {
  lf_run *run = worker->run;
  while (!atomic_load(&run->stopped)) {
    const int32_t generation = atomic_load(&run->generation);
    atomic_fetch_add(&run->active, 1);
    while (!atomic_load(&run->cancelled) && work_tile(worker)) {
    }
    worker->chunk = -1;
    atomic_fetch_sub(&run->active, 1);
    if (!atomic_load(&run->stopped)) wait_while(&run->generation, generation);
  }
}

void lf_schedule_stop(lf_run *run) {
  atomic_store(&run->stopped, 1);
  (void)lf_schedule_cancel(run);
  atomic_fetch_add(&run->generation, 1);
  wake_all(&run->generation);
}
