/**
 * Feature maps, filters and pictures as pixels: pure functions on typed arrays and canvases.
 *
 * A map arrives as u8 with (lo, hi): value = lo + u8 / 255 * (hi - lo). Where the range has both signs the diverging
 * palette is laid so that 0 is its middle (orange below, blue above); `recode` gives the table for that.
 */

/** Tiles of one layer in rows and columns. */
export interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** Columns and rows for `count` tiles in a box of `rows` tiles at most. */
export function gridOf(count: number, rows: number): Grid {
  const columns = Math.max(1, Math.ceil(count / Math.max(1, rows)));
  return { columns, rows: Math.max(1, Math.ceil(count / columns)) };
}

/**
 * A table u8 -> colour for one block: entry i is the colour of the value lo + i/255*(hi - lo) on a palette of 256
 * colours whose middle stands for 0 and whose ends stand for -m and +m, m = max(|lo|, |hi|).
 */
export function recode(palette: Uint32Array, lo: number, hi: number): Uint32Array {
  const most = Math.max(Math.abs(lo), Math.abs(hi));
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const value = lo + (i / 255) * (hi - lo);
    const at = most > 0 ? Math.round(127.5 + (127.5 * value) / most) : 128;
    table[i] = palette[Math.max(0, Math.min(255, at))] ?? 0;
  }
  return table;
}

/** Paint one map of h x w bytes into a canvas of that size. */
export function paintMap(canvas: HTMLCanvasElement, bytes: Uint8Array, h: number, w: number, table: Uint32Array): void {
  const context = prepare(canvas, w, h);
  const image = context.createImageData(w, h);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < h * w; i++) out[i] = table[bytes[i] ?? 0] ?? 0;
  context.putImageData(image, 0, 0);
}

/** Fill `out` (rows*h+(rows-1)*gap by columns*w+(columns-1)*gap pixels) with `count` maps; the gaps stay transparent. */
export function atlas(
  out: Uint32Array,
  bytes: Uint8Array,
  count: number,
  h: number,
  w: number,
  columns: number,
  gap: number,
  table: Uint32Array,
): void {
  const stride = columns * (w + gap) - gap;
  for (let tile = 0; tile < count; tile++) {
    const left = (tile % columns) * (w + gap);
    const top = Math.floor(tile / columns) * (h + gap);
    const from = tile * h * w;
    for (let row = 0; row < h; row++) {
      const start = (top + row) * stride + left;
      for (let column = 0; column < w; column++) {
        out[start + column] = table[bytes[from + row * w + column] ?? 0] ?? 0;
      }
    }
  }
}

/** Paint all maps of a layer into one canvas, tiles side by side with `gap` empty pixels between them. */
export function paintAtlas(
  canvas: HTMLCanvasElement,
  bytes: Uint8Array,
  count: number,
  h: number,
  w: number,
  columns: number,
  gap: number,
  table: Uint32Array,
): void {
  const rows = Math.ceil(count / columns);
  const width = columns * (w + gap) - gap;
  const height = rows * (h + gap) - gap;
  const context = prepare(canvas, width, height);
  const image = context.createImageData(width, height);
  atlas(new Uint32Array(image.data.buffer), bytes, count, h, w, columns, gap, table);
  context.putImageData(image, 0, 0);
}

/** Float values as bytes with their own range, so that vectors and small filters are painted as maps are. */
export function quantise(values: ArrayLike<number>): { bytes: Uint8Array; lo: number; hi: number } {
  let lo = Infinity;
  let hi = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  if (!(lo <= hi)) return { bytes: new Uint8Array(values.length), lo: 0, hi: 0 };
  const scale = hi > lo ? 255 / (hi - lo) : 0;
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = Math.round(((values[i] ?? 0) - lo) * scale);
  return { bytes, lo, hi };
}

/** Paint a picture as it is: grey (h x w) or colour (h x w x 3). `ink` maps a grey byte to a colour of the theme. */
export function paintPicture(
  canvas: HTMLCanvasElement,
  bytes: Uint8Array,
  h: number,
  w: number,
  channels: number,
  ink: Uint32Array,
): void {
  const context = prepare(canvas, w, h);
  const image = context.createImageData(w, h);
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < h * w; i++) out[i] = channels === 3 ? colour(bytes, 3 * i) : (ink[bytes[i] ?? 0] ?? 0);
  context.putImageData(image, 0, 0);
}

const colour = (bytes: Uint8Array, at: number): number =>
  ((255 << 24) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at] ?? 0)) >>> 0;

/** 256 colours from `paper` (0) to `ink` (255), each [r, g, b]. */
export function ramp(paper: readonly number[], ink: readonly number[]): Uint32Array {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    const mix = (k: number): number => Math.round((paper[k] ?? 0) + ((ink[k] ?? 0) - (paper[k] ?? 0)) * (i / 255));
    table[i] = ((255 << 24) | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
  }
  return table;
}

/** The largest tile side (pixels of the screen) so that a chain of grids fits a width. */
export function tileFor(grids: readonly number[], width: number, least: number, most: number): number {
  const columns = grids.reduce((sum, each) => sum + each, 0);
  return columns === 0 ? most : Math.max(least, Math.min(most, Math.floor(width / columns)));
}

function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser gives no 2-D canvas.');
  return context;
}
