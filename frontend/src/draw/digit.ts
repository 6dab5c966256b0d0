/**
 * From a drawn stroke to the 28 x 28 grey image that a digit classifier was trained on.
 *
 * The training images were made by scaling each digit into a 20 x 20 box and placing its centre of mass in the middle of
 * a 28 x 28 field. A drawing is kept as points, so the same is done here without loss: the points are scaled and moved,
 * and only then turned into pixels.
 */

/** A point of a stroke; both coordinates lie in [0, 1], y grows downwards. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Stroke = readonly Point[];

export const SIDE = 28;
const BOX = 20;
/** Half the width of the pen and the width of its soft edge, in pixels of the 28 x 28 image. */
const PEN = 1.15;
const EDGE = 1.1;
/** A dot is not blown up to a whole digit: a drawing is enlarged at most as if it filled this share of the pad. */
const LEAST_EXTENT = 0.25;

interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const flatten = (strokes: readonly Stroke[]): Point[] => strokes.flatMap((stroke) => [...stroke]);

function bounds(points: readonly Point[]): Bounds {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

const move = (strokes: readonly Stroke[], scale: number, dx: number, dy: number): Stroke[] =>
  strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: x * scale + dx, y: y * scale + dy })));

/** Scale the drawing so that its ink fits the 20 x 20 box, in the middle of the field. */
function fit(strokes: readonly Stroke[]): Stroke[] {
  const box = bounds(flatten(strokes));
  const extent = Math.max(box.right - box.left, box.bottom - box.top, LEAST_EXTENT);
  const scale = (BOX - 2 * PEN) / extent;
  const middleX = ((box.left + box.right) / 2) * scale;
  const middleY = ((box.top + box.bottom) / 2) * scale;
  return move(strokes, scale, SIDE / 2 - middleX, SIDE / 2 - middleY);
}

/** Distance from (x, y) to the segment a-b. */
export function distance(x: number, y: number, a: Point, b: Point): number {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / length));
  return Math.hypot(x - a.x - t * dx, y - a.y - t * dy);
}

function ink(image: Float32Array, a: Point, b: Point): void {
  const reach = PEN + EDGE;
  const range = (low: number, high: number): [number, number] => [
    Math.max(0, Math.floor(low - reach)),
    Math.min(SIDE - 1, Math.ceil(high + reach)),
  ];
  const [left, right] = range(Math.min(a.x, b.x), Math.max(a.x, b.x));
  const [top, bottom] = range(Math.min(a.y, b.y), Math.max(a.y, b.y));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      const far = distance(column + 0.5, row + 0.5, a, b);
      const value = Math.max(0, Math.min(1, 0.5 + (PEN - far) / EDGE));
      const at = row * SIDE + column;
      image[at] = Math.max(image[at] ?? 0, value);
    }
  }
}

function raster(strokes: readonly Stroke[]): Float32Array {
  const image = new Float32Array(SIDE * SIDE);
  for (const stroke of strokes) {
    stroke.forEach((point, i) => ink(image, stroke[Math.max(0, i - 1)] ?? point, point));
  }
  return image;
}

/** The centre of mass of an image, in pixels; the middle of the field when there is no ink. */
export function centre(image: ArrayLike<number>): Point {
  let sum = 0;
  let x = 0;
  let y = 0;
  for (let at = 0; at < SIDE * SIDE; at++) {
    const value = image[at] ?? 0;
    sum += value;
    x += value * ((at % SIDE) + 0.5);
    y += value * (Math.floor(at / SIDE) + 0.5);
  }
  return sum === 0 ? { x: SIDE / 2, y: SIDE / 2 } : { x: x / sum, y: y / sum };
}

/** The 28 x 28 u8 image (ink 255 on 0) of a drawing, prepared as the training images were; null when nothing is drawn. */
export function pixels(strokes: readonly Stroke[]): Uint8Array | null {
  if (flatten(strokes).length === 0) return null;
  const fitted = fit(strokes);
  const mass = centre(raster(fitted));
  const image = raster(move(fitted, 1, SIDE / 2 - mass.x, SIDE / 2 - mass.y));
  return Uint8Array.from(image, (value) => Math.round(value * 255));
}

/** Bytes as base64 with the URL alphabet and no padding: how a drawn digit travels in a topic. */
export function base64url(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
