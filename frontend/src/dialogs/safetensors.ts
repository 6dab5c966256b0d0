/** Reading a safetensors file in the page: u64 header length, JSON header, then the bytes. */

export interface StoredArray {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The little-endian bytes, base64. */
  readonly data: string;
}

const NAMES: Record<string, string> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
  BOOL: 'bool',
};

/** The named arrays of a safetensors file; throws an Error with a sentence when the bytes are something else. */
export function readSafetensors(bytes: Uint8Array): Record<string, StoredArray> {
  const header = readHeader(bytes);
  const arrays: Record<string, StoredArray> = {};
  for (const [name, entry] of Object.entries(header.entries)) {
    if (name === '__metadata__') continue;
    const [start, end] = entry.data_offsets;
    const dtype = NAMES[entry.dtype];
    if (dtype === undefined) throw new Error(`${name} has the unknown number format ${entry.dtype}.`);
    const data = toBase64(bytes.subarray(header.end + start, header.end + end));
    arrays[name] = { dtype, shape: entry.shape, data };
  }
  return arrays;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function readHeader(bytes: Uint8Array): { entries: Record<string, Entry>; end: number } {
  if (bytes.length < 8) throw new Error('The file is shorter than its header.');
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  const end = 8 + length;
  if (!(end <= bytes.length)) throw new Error('The file is shorter than its header says.');
  const entries = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))) as Record<string, Entry>;
  return { entries, end };
}

/** Bytes as ordinary base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
