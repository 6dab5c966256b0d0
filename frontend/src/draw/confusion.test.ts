import { describe, expect, it } from 'vitest';
import { accuracy, cells, strength } from './confusion';

describe('a confusion matrix', () => {
  const counts = Uint32Array.of(8, 2, 0, 10);

  it('gives each cell its share of the true class', () => {
    expect(cells(counts, 2).map((cell) => cell.share)).toEqual([0.8, 0.2, 0, 1]);
  });

  it('counts the diagonal as right', () => {
    expect(accuracy(counts, 2)).toBe(0.9);
    expect(accuracy(Uint32Array.of(0, 0, 0, 0), 2)).toBeNull();
  });

  it('has no share where a class has no example', () => {
    expect(cells(Uint32Array.of(0, 0, 1, 1), 2)[0]).toEqual({ row: 0, column: 0, count: 0, share: 0 });
  });

  it('shows rare mistakes more strongly than their share', () => {
    expect(strength(0.01)).toBeCloseTo(0.1);
    expect(strength(2)).toBe(1);
  });
});
