/** Binary picture frames: u32 header length | JSON header, padded to 8 bytes | blocks. */
import type { FrameBlock, FrameHeader } from '../api/protocol.gen';

export type Values = Uint8Array | Float32Array | Float64Array | Int32Array | Uint32Array;

/** One named array of a picture; `lo` and `hi` say what the bytes 0 and 255 of a u8 map mean. */
export interface Block extends Pick<FrameBlock, 'topic' | 'name' | 'dtype' | 'shape'> {
  data: Values;
  lo: number;
  hi: number;
}

export interface Frame extends Pick<FrameHeader, 'run' | 'attempt' | 'seq' | 'step'> {
  blocks: Block[];
}

const ARRAYS = {
  u8: Uint8Array,
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
} as const;

/** A frame that cannot be read. */
export class FrameError extends Error {}

function blockOf(buffer: ArrayBuffer, start: number, header: FrameBlock): Block {
  const { topic, name, dtype, shape } = header;
  const Values = ARRAYS[dtype];
  if (!Values) throw new FrameError(`block ${topic}: unknown dtype ${String(dtype)}`);
  const count = shape.reduce((product, side) => product * side, 1);
  const end = start + header.offset + count * Values.BYTES_PER_ELEMENT;
  if (end > buffer.byteLength) {
    throw new FrameError(`block ${topic}: expected ${end} bytes in the frame, got ${buffer.byteLength}`);
  }
  const data = new Values(buffer, start + header.offset, count);
  return { topic, name, dtype, shape, data, lo: header.lo ?? 0, hi: header.hi ?? 255 };
}

/** Decode one frame without copying its blocks. */
export function decode(buffer: ArrayBuffer): Frame {
  if (buffer.byteLength < 4) throw new FrameError(`expected at least 4 bytes, got ${buffer.byteLength}`);
  const length = new DataView(buffer).getUint32(0, true);
  if (4 + length > buffer.byteLength) {
    throw new FrameError(`expected a header of ${length} bytes, got a frame of ${buffer.byteLength}`);
  }
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as FrameHeader;
  if (header.v !== 1) throw new FrameError(`expected frame version 1, got ${String(header.v)}`);
  const start = 4 + length;
  const blocks = header.blocks.map((block) => blockOf(buffer, start, block));
  return { run: header.run, attempt: header.attempt, seq: header.seq, step: header.step, blocks };
}
