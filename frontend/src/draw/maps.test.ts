import { describe, expect, it } from 'vitest';
import { atlas, gridOf, quantise, ramp, recode, tileFor } from './maps';

const index = Uint32Array.from({ length: 256 }, (_, i) => i);

describe('recode', () => {
  it('lays the middle of the palette on zero whatever the range', () => {
    const table = recode(index, -1, 3);
    expect(table[Math.round(255 / 4)]).toBeGreaterThanOrEqual(127);
    expect(table[Math.round(255 / 4)]).toBeLessThanOrEqual(129);
    expect(table[255]).toBe(255);
    expect(table[0]).toBe(85);
  });

  it('shows a layer that is zero everywhere as the middle', () => {
    expect([...new Set(recode(index, 0, 0))]).toEqual([128]);
  });

  it('never shows a value that is not negative on the negative side', () => {
    expect(Math.min(...recode(index, 0, 5))).toBeGreaterThanOrEqual(128);
  });
});

describe('atlas', () => {
  it('puts every tile in its place and leaves the gaps empty', () => {
    const out = new Uint32Array(5 * 5);
    const bytes = Uint8Array.from([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    atlas(out, bytes, 3, 2, 2, 2, 1, index);
    expect([...out]).toEqual([1, 1, 0, 2, 2, 1, 1, 0, 2, 2, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 3, 3, 0, 0, 0]);
  });
});

describe('gridOf', () => {
  it('has room for every tile and no empty column', () => {
    for (const count of [1, 3, 6, 16, 17, 64]) {
      const { columns, rows } = gridOf(count, 6);
      expect(columns * rows).toBeGreaterThanOrEqual(count);
      expect((columns - 1) * rows).toBeLessThan(count);
    }
  });
});

describe('quantise', () => {
  it('keeps the range and the ends', () => {
    const { bytes, lo, hi } = quantise([-2, 0, 2]);
    expect([lo, hi]).toEqual([-2, 2]);
    expect([...bytes]).toEqual([0, 128, 255]);
  });

  it('survives equal and missing values', () => {
    expect(quantise([3, 3])).toEqual({ bytes: Uint8Array.of(0, 0), lo: 3, hi: 3 });
    expect(quantise([NaN]).bytes).toEqual(Uint8Array.of(0));
  });
});

describe('ramp and tileFor', () => {
  it('goes from paper to ink', () => {
    const table = ramp([255, 255, 255], [0, 0, 0]);
    expect(table[0]).toBe(0xffffffff);
    expect(table[255]).toBe(0xff000000);
  });

  it('fits a chain into a width', () => {
    expect(tileFor([1, 2, 3], 300, 10, 100)).toBe(50);
    expect(tileFor([100], 300, 10, 100)).toBe(10);
    expect(tileFor([], 300, 10, 100)).toBe(100);
  });
});
