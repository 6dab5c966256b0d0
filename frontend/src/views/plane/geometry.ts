/** Where the columns, units and lines of a drawn network lie; pure numbers in CSS pixels. */

export interface Placed {
  /** Left edge of the column's tiles. */
  x: number;
  /** Side of a tile. */
  tile: number;
  /** Top edge of each tile; empty when the column is folded into a grid. */
  tops: number[];
  folded: boolean;
}

export interface Layout {
  columns: Placed[];
  width: number;
  height: number;
}

/** Above this many units a column is a grid of small maps, and its lines are a matrix. */
export const MOST_TILES = 16;
export const FOLDED_WIDTH = 104;
/** The height of the columns' headings. */
export const HEADER = 68;
const BIAS = 26;
const LEAST_SPACING = 82;

function tileFor(units: number, width = Infinity): number {
  if (width < 420) return units <= 9 ? 36 : 28;
  if (units <= 7) return 40;
  if (units === 8) return 36;
  return units <= 11 ? 34 : 28;
}

const MOST_SPACE = 34;
const MOST_GROWTH = 1.5;

/** How much larger everything is drawn where there is more room than the tallest column can use. */
function growth(units: readonly number[], width: number, room: number): number {
  const tallest = Math.max(1, ...units.filter((count) => count <= MOST_TILES));
  const wide = width / (units.length * LEAST_SPACING * 1.6);
  return Math.max(1, Math.min(MOST_GROWTH, wide, room / (tallest * (tileFor(tallest) + MOST_SPACE))));
}

/** The space between the tops of two neighbours of a column. */
function pitch(units: number, tile: number, room: number): number {
  const least = tile + (units > 7 ? 8 : 10);
  const most = tile * (1 + MOST_SPACE / 40);
  return Math.max(least, Math.min(most, room / units));
}

/** The least height in which every column that is not folded fits. */
export function leastHeight(units: readonly number[]): number {
  const tall = units.filter((count) => count <= MOST_TILES).map((count) => count * pitch(count, tileFor(count), 0));
  return HEADER + Math.max(280, ...tall) + 8;
}

/** `units` per column, the input first; `label` is the room to the left of the input's tiles. */
export function layout(units: readonly number[], width: number, room: number, label: number): Layout {
  const grown = growth(units, width, room);
  const tiles = units.map((count) => Math.round(tileFor(count, width) * grown));
  const folded = units.map((count) => count > MOST_TILES);
  const spans = units.map((count, i) => (folded[i] ? 0 : count * pitch(count, tiles[i]!, room)));
  const height = Math.max(room, ...spans);
  const last = units.length - 1;
  const wanted = label + tiles[0]! + last * LEAST_SPACING + folded.filter(Boolean).length * (FOLDED_WIDTH - 40);
  const full = Math.max(width, wanted);
  const right = full - tiles[last]! - 10;
  const columns = units.map((count, i) => {
    const x = last ? label + ((right - label) * i) / last : label;
    const step = pitch(count, tiles[i]!, height);
    const top = HEADER + (height - count * step) / 2 + (step - tiles[i]!) / 2;
    const tops = folded[i] ? [] : Array.from({ length: count }, (_, unit) => Math.round(top + unit * step));
    return { x: Math.round(x), tile: tiles[i]!, tops, folded: folded[i]! };
  });
  return { columns, width: full, height: HEADER + height };
}

export const biasBox = (column: Placed, unit: number) => ({
  x: column.x - BIAS,
  y: column.tops[unit]! + column.tile - 15,
});

export interface Link {
  /** Index of the column that the line enters. */
  column: number;
  from: number;
  to: number;
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** Every line between two neighbouring columns that are not folded; `reads[i]` says which tile input i of column 1 is. */
export function linksOf({ columns }: Layout, reads: readonly number[]): Link[] {
  const found: Link[] = [];
  for (let column = 1; column < columns.length; column += 1) {
    const [before, after] = [columns[column - 1]!, columns[column]!];
    if (before.folded || after.folded) continue;
    const sources = column === 1 ? reads : before.tops.map((_, i) => i);
    after.tops.forEach((top, to) => {
      sources.forEach((tile, from) => {
        const y0 = before.tops[tile]! + before.tile / 2;
        found.push({ column, from, to, x0: before.x + before.tile, y0, x1: after.x, y1: top + after.tile / 2 });
      });
    });
  }
  return found;
}

const bend = (link: Link) => (link.x1 - link.x0) * 0.5;

export function pathOf(link: Link): Path2D {
  const path = new Path2D();
  const c = bend(link);
  path.moveTo(link.x0, link.y0);
  path.bezierCurveTo(link.x0 + c, link.y0, link.x1 - c, link.y1, link.x1, link.y1);
  return path;
}

/** The height of a line at `x`: the cubic has evenly placed handles, so a few bisections find it. */
export function heightAt(link: Link, x: number): number {
  const c = bend(link);
  const cubic = (a: number, b: number, d: number, e: number, u: number) =>
    (1 - u) ** 3 * a + 3 * (1 - u) ** 2 * u * b + 3 * (1 - u) * u * u * d + u ** 3 * e;
  let [low, high] = [0, 1];
  for (let i = 0; i < 12; i += 1) {
    const middle = (low + high) / 2;
    if (cubic(link.x0, link.x0 + c, link.x1 - c, link.x1, middle) < x) low = middle;
    else high = middle;
  }
  return cubic(link.y0, link.y0, link.y1, link.y1, low);
}

/** The line nearest to a point, within `reach` pixels, or null. */
export function linkAt(links: readonly Link[], x: number, y: number, reach: number): Link | null {
  let best: Link | null = null;
  let least = reach;
  for (const link of links) {
    if (x < link.x0 + 2 || x > link.x1 - 2) continue;
    const slope = Math.abs(heightAt(link, x + 1) - heightAt(link, x - 1)) / 2;
    const distance = Math.abs(heightAt(link, x) - y) / Math.hypot(1, slope);
    if (distance < least) [best, least] = [link, distance];
  }
  return best;
}
