import { describe, expect, it } from 'vitest';
import { stripLayout, tileLayout } from './tiles';

const box = { width: 92, height: 264 };

describe('the tiles of a layer', () => {
  it('stay inside their box, whatever their number', () => {
    for (const count of [1, 2, 6, 16, 64, 300]) {
      const { columns, rows, width, height } = tileLayout(count, 28, 28, box, 44);
      expect(columns * width).toBeLessThanOrEqual(box.width + 0.01);
      expect(rows * height).toBeLessThanOrEqual(box.height + 0.01);
      expect(columns * rows).toBeGreaterThanOrEqual(count);
      expect(width).toBeGreaterThan(0);
    }
  });

  it('keep the ratio of the maps', () => {
    const { width, height } = tileLayout(4, 10, 20, box, 44);
    expect(width / height).toBeCloseTo(2);
  });
});

describe('the strip of a vector', () => {
  it('has room for every value and stays inside its box', () => {
    for (const count of [1, 10, 120, 400, 4000]) {
      const { columns, rows, width, height } = stripLayout(count, box, 26);
      expect(columns * rows).toBeGreaterThanOrEqual(count);
      expect(rows * height).toBeLessThanOrEqual(box.height + 0.01);
      expect(columns * width).toBeLessThanOrEqual(box.width + 0.01);
    }
  });
});
