/* schedule.c - who works on which tile
 *
 * The tiles of a pass are dealt out in slabs. A thread takes the next slab by one atomic addition and does its tiles in
 * order; the thread that finishes the last slab of a pass does what comes between passes and starts the next one. Only
 * that thread ever writes `pass`, and only when nobody holds a slab, so a thread that holds one may read it freely.
 * With one thread this is a loop over the tiles.
 *
 * Nobody waits for another thread without bound, since a host may have ended it in the midst of a tile: the caller of
 * lf_cancel and lf_step tries for a moment and says so, and the host, which knows what became of its threads, decides. */
#include "run.h"

enum { NO_SLAB = 1 << 30 };

/* Rounds of a loop that waits for another thread: a fraction of a millisecond, longer than what comes between two passes
 * and than it takes to put a thread to sleep and to wake it. */
enum { SPINS = 100000 };

/* Returns when the value is no longer `seen`, or earlier. After a while it sleeps, in WebAssembly; a native thread goes
 * round. */
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

/* Slabs become shorter: a quarter of the tiles is dealt out evenly, the rest in shares of 2 n_slabs - 1, ..., 5, 3, 1. So
 * threads end a pass nearly together, whichever of them was held up. With LF_SLAB_TILES tiles a slab none is empty. */
static int32_t first_tile(const lf_run *run, int32_t slab) {
  const int64_t all = run->n_slabs;
  const int64_t left = all - slab;
  return (int32_t)(run->n_tiles * (all * slab + 3 * (all * all - left * left)) / (4 * all * all));
}

/* Opens the run's pass to all threads. */
static void open_pass(lf_run *run) {
  const int32_t layer = lf_projected_layer(run);
  if (layer >= 0) lf_projection_begin(run, run->p, layer);
  atomic_store(&run->slabs_done, 0);
  atomic_store(&run->next_slab, 0);
  if (run->n_threads == 1) return;
  atomic_fetch_add(&run->turn, 1);
  wake_all(&run->turn);
}

void lf_schedule(lf_run *run) {
  run->pass = 0;
  run->n_passes = lf_n_passes(&run->model->config);
  run->n_tiles = (int32_t)lf_tiles((size_t)run->n);
  run->n_slabs = run->n_tiles / LF_SLAB_TILES;
  if (run->n_slabs < 1) run->n_slabs = 1;
  if (run->n_slabs > LF_SLABS) run->n_slabs = LF_SLABS;
  atomic_store(&run->tiles_done, 0);
  run->quiet = 0;
  atomic_store(&run->cancelled, 0);
  open_pass(run);
}

int lf_cancel(lf_run *run) {
  run->started = 0;
  if (run->quiet) return 1;
  atomic_store(&run->next_slab, NO_SLAB);
  atomic_store(&run->cancelled, 1);
  for (int32_t spins = 0; atomic_load(&run->active) > 0; spins++) {
    if (spins == SPINS) return 0;
  }
  /* Whoever comes from now on sees `cancelled` before it takes a slab, until lf_schedule. */
  atomic_store(&run->next_slab, NO_SLAB); /* the last of them may have opened another pass */
  run->workers[0].slab = -1;
  run->quiet = 1;
  return 1;
}

int lf_finished(lf_run *run) { return atomic_load(&run->tiles_done) == run->n_passes * run->n_tiles; }

/* The next slab of the pass becomes the worker's. Returns 0 if all are taken. */
static int take_slab(lf_worker *worker) {
  lf_run *run = worker->run;
  if (atomic_load(&run->next_slab) >= LF_SLABS) return 0; /* do not count up for ever */
  const int32_t slab = atomic_fetch_add(&run->next_slab, 1);
  if (slab >= run->n_slabs) return 0;
  worker->slab = slab;
  worker->tile = first_tile(run, slab);
  const int32_t layer = lf_projected_layer(run);
  if (layer < 0) return 1;
  worker->p = run->p_slabs + (run->n_threads > 1 ? (size_t)slab * run->p_size : 0);
  lf_projection_begin(run, worker->p, layer);
  return 1;
}

static void finish_slab(lf_worker *worker) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  if (run->n_threads == 1 && layer >= 0) lf_projection_add(run, layer, worker->p);
  worker->slab = -1;
  if (atomic_fetch_add(&run->slabs_done, 1) + 1 < run->n_slabs) return;
  lf_between_passes(worker);
  run->pass++;
  if (run->pass < run->n_passes) open_pass(run);
}

int lf_work_tile(lf_worker *worker) {
  lf_run *run = worker->run;
  if (worker->slab < 0 && !take_slab(worker)) return 0;
  const int32_t end = first_tile(run, worker->slab + 1);
  lf_encode_tile(worker);
  worker->tile++;
  if (worker->tile == end) finish_slab(worker);
  atomic_fetch_add(&run->tiles_done, 1);
  return 1;
}

lf_status lf_step(lf_run *run, int32_t max_tiles) {
  if (!run->started || max_tiles < 1) return LF_ERROR_STATE;
  int32_t spins = 0;
  for (int32_t tiles = 0; tiles < max_tiles && !lf_finished(run);) {
    if (lf_work_tile(&run->workers[0])) {
      tiles++;
    } else if (++spins == SPINS) {
      break;
    }
  }
  return lf_finished(run) ? lf_finish(run) : LF_MORE;
}

void lf_serve(lf_run *run, int32_t thread) {
  if (thread < 1 || thread >= run->n_threads) return;
  lf_worker *worker = &run->workers[thread];
  while (!atomic_load(&run->stopped)) {
    const int32_t turn = atomic_load(&run->turn);
    atomic_fetch_add(&run->active, 1);
    while (!atomic_load(&run->cancelled) && lf_work_tile(worker)) {
    }
    worker->slab = -1;
    atomic_fetch_sub(&run->active, 1);
    if (!atomic_load(&run->stopped)) wait_while(&run->turn, turn);
  }
}

void lf_run_stop(lf_run *run) {
  atomic_store(&run->stopped, 1);
  (void)lf_cancel(run);
  atomic_fetch_add(&run->turn, 1);
  wake_all(&run->turn);
}

int32_t lf_run_done(const lf_run *run) { return atomic_load(&run->tiles_done); }
int32_t lf_run_total(const lf_run *run) { return run->n_passes * run->n_tiles; }
