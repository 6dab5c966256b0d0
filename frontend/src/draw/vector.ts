/** Vectors (the outputs of dense layers) as strips of colour and as bars: pure functions. */

import { gridOf, type Grid } from './maps';

/** The strip of a vector: filled column by column, `rows` cells high at most. */
export function stripGrid(count: number, rows: number): Grid {
  return gridOf(count, rows);
}

/** Colours of a strip, column by column; cells beyond the last value stay transparent. */
export function strip(bytes: Uint8Array, grid: Grid, table: Uint32Array): Uint32Array {
  const out = new Uint32Array(grid.columns * grid.rows);
  for (let i = 0; i < bytes.length; i++) {
    const column = Math.floor(i / grid.rows);
    out[(i % grid.rows) * grid.columns + column] = table[bytes[i] ?? 0] ?? 0;
  }
  return out;
}

/** Paint a vector as a strip into a canvas of one pixel per value. */
export function paintStrip(canvas: HTMLCanvasElement, bytes: Uint8Array, grid: Grid, table: Uint32Array): void {
  if (canvas.width !== grid.columns) canvas.width = grid.columns;
  if (canvas.height !== grid.rows) canvas.height = grid.rows;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no 2-D canvas.');
  const image = context.createImageData(grid.columns, grid.rows);
  new Uint32Array(image.data.buffer).set(strip(bytes, grid, table));
  context.putImageData(image, 0, 0);
}

/** The value under a cell of the strip, or -1 where there is none. */
export function cellAt(grid: Grid, count: number, x: number, y: number): number {
  const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(x * grid.columns)));
  const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(y * grid.rows)));
  const at = column * grid.rows + row;
  return at < count ? at : -1;
}

/** The index of the largest value; -1 for nothing. */
export function largest(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++) {
    if (best < 0 || (values[i] ?? -Infinity) > (values[best] ?? -Infinity)) best = i;
  }
  return best;
}
