/** Where the tiles of a layer go inside a box of the screen. */

export interface Layout {
  readonly columns: number;
  readonly rows: number;
  /** Width and height of one tile in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Box {
  readonly width: number;
  readonly height: number;
}

/** The largest equal tiles (of the ratio w : h) with which `count` of them fill a box; never larger than `most`. */
export function tileLayout(count: number, h: number, w: number, box: Box, most: number): Layout {
  let best: Layout = { columns: 1, rows: count, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const scale = Math.min(box.width / columns / w, box.height / rows / h, most / Math.max(w, h));
    if (scale * w > best.width + 0.01) best = { columns, rows, width: scale * w, height: scale * h };
  }
  return best;
}

/** A vector as a strip `box.height` high, in as many columns as its cells need to be seen; at most `most` a side. */
export function stripLayout(count: number, box: Box, most: number): Layout {
  const tall = Math.max(1, Math.min(count, Math.floor(box.height / 4)));
  const columns = Math.ceil(count / tall);
  const rows = Math.ceil(count / columns);
  const height = Math.min(most, box.height / rows);
  const width = Math.min(columns === 1 ? 22 : 10, most, box.width / columns);
  return { columns, rows, width, height };
}
