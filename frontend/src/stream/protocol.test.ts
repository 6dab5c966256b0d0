import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FrameError, decode } from './protocol';

const GOLDEN = join(import.meta.dirname, '../../../tests/contract/golden');
const names = readdirSync(GOLDEN)
  .filter((name) => name.endsWith('.bin'))
  .map((name) => name.replace('.bin', ''));

interface Expected {
  header: { run: string; attempt: number; seq: number; step: number };
  blocks: { topic: string; name: string; dtype: string; values: unknown; lo: number | null; hi: number | null }[];
}

function bytesOf(name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(join(GOLDEN, `${name}.bin`))).buffer;
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : NaN;
}

describe('a golden frame', () => {
  it.each(names)('%s is read as it was written', (name) => {
    const expected = JSON.parse(readFileSync(join(GOLDEN, `${name}.json`), 'utf8')) as Expected;
    const frame = decode(bytesOf(name));
    expect(frame).toMatchObject({
      run: expected.header.run,
      attempt: expected.header.attempt,
      seq: expected.header.seq,
      step: expected.header.step,
    });
    expect(frame.blocks.map(({ topic }) => topic)).toEqual(expected.blocks.map(({ topic }) => topic));
    expected.blocks.forEach((wanted, i) => {
      const block = frame.blocks[i]!;
      const flat = [wanted.values].flat(8).map(number);
      expect([block.name, block.dtype]).toEqual([wanted.name, wanted.dtype]);
      expect(block.data.length).toBe(flat.length);
      flat.forEach((value, at) => {
        if (Number.isNaN(value)) expect(block.data[at]).toBeNaN();
        else expect(block.data[at]).toBeCloseTo(value, 5);
      });
      if (wanted.lo !== null) expect([block.lo, block.hi]).toEqual([wanted.lo, wanted.hi]);
    });
  });

  it('cut anywhere in its blocks is refused', () => {
    const whole = bytesOf('plane');
    expect(() => decode(whole.slice(0, whole.byteLength - 64))).toThrow(FrameError);
    expect(() => decode(whole.slice(0, 40))).toThrow();
    expect(() => decode(new ArrayBuffer(2))).toThrow(FrameError);
  });
});
