import { describe, expect, it } from 'vitest';
import { cellAt, largest, strip, stripGrid } from './vector';

const index = Uint32Array.from({ length: 256 }, (_, i) => i);

describe('a strip', () => {
  it('is filled column by column', () => {
    expect([...strip(Uint8Array.of(1, 2, 3), { columns: 2, rows: 2 }, index)]).toEqual([1, 3, 2, 0]);
  });

  it('finds the value under a point and nothing beyond the last one', () => {
    const grid = stripGrid(5, 3);
    expect(grid).toEqual({ columns: 2, rows: 3 });
    expect(cellAt(grid, 5, 0.1, 0.1)).toBe(0);
    expect(cellAt(grid, 5, 0.9, 0.5)).toBe(4);
    expect(cellAt(grid, 5, 0.9, 0.9)).toBe(-1);
  });
});

describe('largest', () => {
  it('is the first of equals and -1 for nothing', () => {
    expect(largest([1, 3, 3])).toBe(1);
    expect(largest([])).toBe(-1);
  });
});
