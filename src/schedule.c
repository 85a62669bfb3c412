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

static lf_range tiles_of(const lf_run *run, int32_t chunk) {
  return (lf_range){first_tile(run, chunk), first_tile(run, chunk + 1)};
}

/* Opens the run's pass to all threads. */
static void open_pass(lf_run *run) {
  atomic_store(&run->chunks_done, 0);
  atomic_store(&run->next_chunk, 0);
  if (run->n_threads == 1) return;
  atomic_fetch_add(&run->generation, 1);
  wake_all(&run->generation);
}

/* Some rows of the finished p become keys and values. With several threads, the chunks have their own sums. */
static void finish_rows(lf_worker *worker, int32_t layer, lf_range rows) {
  lf_run *run = worker->run;
  for (int32_t chunk = 0; run->n_threads > 1 && chunk < run->n_chunks; chunk++) {
    lf_range span = lf_projection_span(run, layer, tiles_of(run, chunk));
    if (span.first < rows.first) span.first = rows.first;
    if (span.end > rows.end) span.end = rows.end;
    if (span.first < span.end) lf_projection_add(run, layer, run->p_chunks + (size_t)chunk * run->p_size, span);
  }
  lf_projection_end(run, layer, rows);
  lf_project_keys_values(worker, layer, rows);
}

/* Rows of p that are cleared at once, which is quickly done. */
enum { CLEARED_ROWS = 4096 };

/* A piece of what comes between two passes. p can have as many rows as the document, so it is not done at once. */
static void work_between(lf_worker *worker) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  const int32_t k = layer < 0 ? 0 : lf_projected_rows(run, layer);
  const int clearing = worker->between == LF_CLEARING;
  lf_range rows = {.first = run->rows_done, .end = run->rows_done + (clearing ? CLEARED_ROWS : LF_TILE)};
  if (rows.end > k) rows.end = k;
  if (rows.first < rows.end && clearing) lf_projection_begin(run, run->p, layer, rows);
  if (rows.first < rows.end && !clearing) finish_rows(worker, layer, rows);
  run->rows_done = rows.end;
  if (rows.end < k) return;
  run->rows_done = 0;
  if (clearing) {
    worker->between = LF_NOT_BETWEEN;
    open_pass(run);
  } else {
    worker->between = LF_CLEARING;
    run->pass++;
  }
}

/* Begins it, and does as much as a few tiles are worth at once: for the k of most models that is all. */
static void begin_between(lf_worker *worker, lf_between what) {
  worker->run->rows_done = 0;
  worker->between = what;
  for (int32_t pieces = 0; pieces < 5 && worker->between != LF_NOT_BETWEEN; pieces++) work_between(worker);
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
  begin_between(&run->workers[0], LF_CLEARING);
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
  run->workers[0].between = LF_NOT_BETWEEN;
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
  lf_begin_chunk(worker, tiles_of(run, chunk));
  return 1;
}

static void finish_chunk(lf_worker *worker) {
  lf_run *run = worker->run;
  const int32_t layer = lf_projected_layer(run);
  if (run->n_threads == 1 && layer >= 0) {
    lf_projection_add(run, layer, worker->p, lf_projection_span(run, layer, tiles_of(run, worker->chunk)));
  }
  worker->chunk = -1;
  if (atomic_fetch_add(&run->chunks_done, 1) + 1 < run->n_chunks) return;
  if (run->pass + 1 < run->n_passes) {
    begin_between(worker, LF_KEYS_AND_VALUES);
  } else {
    run->pass++;
  }
}

/* One tile of the worker's chunk, or of a chunk that it takes; or a piece of what comes between two passes, which the
 * worker that has finished the last chunk of a pass does.
 * Returns 0 if there was no tile to take. */
static int work_tile(lf_worker *worker) {
  lf_run *run = worker->run;
  if (worker->between != LF_NOT_BETWEEN) {
    work_between(worker);
    return 1;
  }
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
    worker->between = LF_NOT_BETWEEN;
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
