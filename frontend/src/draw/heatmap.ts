/** Small pictures of numbers: bytes or floats through a table of 256 colours onto a canvas. */

const scratch = new Map<number, { image: ImageData; pixels: Uint32Array }>();

/** One image of `width` x `height`, used again and again. */
function sheet(width: number, height: number): { image: ImageData; pixels: Uint32Array } {
  const key = width * 65536 + height;
  const known = scratch.get(key);
  if (known) return known;
  const image = new ImageData(width, height);
  const made = { image, pixels: new Uint32Array(image.data.buffer) };
  scratch.set(key, made);
  return made;
}

function put(canvas: HTMLCanvasElement, image: ImageData): void {
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext('2d')?.putImageData(image, 0, 0);
}

export interface Bytes {
  data: ArrayLike<number>;
  width: number;
  height: number;
  /** Where the picture begins in `data`. */
  offset?: number;
}

/** Paint u8 values, each the index of its colour. With `steps` true only the sign is shown. */
export function paintBytes(canvas: HTMLCanvasElement, bytes: Bytes, colours: Uint32Array, steps = false): void {
  const { data, width, height, offset = 0 } = bytes;
  const { image, pixels } = sheet(width, height);
  for (let i = 0; i < pixels.length; i += 1) {
    const value = data[offset + i]!;
    pixels[i] = colours[steps ? (value >= 128 ? 255 : 0) : value]!;
  }
  put(canvas, image);
}

/** Paint floats, `limit` being the value of the last colour and -limit (or 0) that of the first. */
export function paintValues(
  canvas: HTMLCanvasElement,
  bytes: Bytes,
  colours: Uint32Array,
  limit: number,
  low = -limit,
): void {
  const { data, width, height, offset = 0 } = bytes;
  const { image, pixels } = sheet(width, height);
  const scale = 255 / (limit - low || 1);
  for (let i = 0; i < pixels.length; i += 1) {
    const index = Math.round((data[offset + i]! - low) * scale);
    pixels[i] = colours[index < 0 ? 0 : index > 255 ? 255 : index || 0]!;
  }
  put(canvas, image);
}

/** Paint classes: each pixel in its class's table at its confidence. */
export function paintClasses(
  canvas: HTMLCanvasElement,
  classes: Bytes,
  confidence: ArrayLike<number>,
  tableOf: (index: number) => Uint32Array,
  steps = false,
): void {
  const { image, pixels } = sheet(classes.width, classes.height);
  for (let i = 0; i < pixels.length; i += 1) {
    pixels[i] = tableOf(classes.data[i]!)[steps ? 230 : confidence[i]!]!;
  }
  put(canvas, image);
}

/** The largest absolute value, at least `least`. */
export function largest(values: ArrayLike<number>, least = 0): number {
  let top = least;
  for (let i = 0; i < values.length; i += 1) {
    const size = Math.abs(values[i]!);
    if (size > top && Number.isFinite(size)) top = size;
  }
  return top;
}
