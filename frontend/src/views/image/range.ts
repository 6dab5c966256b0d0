/** The smallest and largest value of one unit of a picture. */
import type { Block } from '../../stream/protocol';

/** `size` is the number of values of a unit; bytes are read back to values by the block's lo and hi. */
export function rangeOf(block: Block, unit: number, size: number): { lo: number; hi: number } {
  const start = unit * size;
  let lo = Infinity;
  let hi = -Infinity;
  for (let at = start; at < start + size; at++) {
    const value = block.data[at] ?? NaN;
    if (value < lo) lo = value;
    if (value > hi) hi = value;
  }
  if (!(block.data instanceof Uint8Array)) return { lo, hi };
  const scale = (block.hi - block.lo) / 255;
  return { lo: block.lo + lo * scale, hi: block.lo + hi * scale };
}
