import { describe, expect, it } from 'vitest';
import { SIDE, base64url, centre, distance, pixels, type Stroke } from './digit';

const line = (x1: number, y1: number, x2: number, y2: number): Stroke =>
  Array.from({ length: 9 }, (_, i) => ({ x: x1 + ((x2 - x1) * i) / 8, y: y1 + ((y2 - y1) * i) / 8 }));

const extent = (image: Uint8Array): { width: number; height: number } => {
  const rows = new Set<number>();
  const columns = new Set<number>();
  image.forEach((value, at) => {
    if (value > 127) {
      rows.add(Math.floor(at / SIDE));
      columns.add(at % SIDE);
    }
  });
  return { width: columns.size, height: rows.size };
};

describe('a drawn digit', () => {
  it('is nothing when nothing is drawn', () => {
    expect(pixels([])).toBeNull();
    expect(pixels([[]])).toBeNull();
  });

  it('fills a box twenty pixels high wherever and however small it was drawn', () => {
    for (const stroke of [line(0.5, 0.1, 0.5, 0.9), line(0.1, 0.05, 0.1, 0.45)]) {
      const { width, height } = extent(pixels([stroke])!);
      expect(height).toBeGreaterThanOrEqual(19);
      expect(height).toBeLessThanOrEqual(21);
      expect(width).toBeLessThanOrEqual(4);
    }
  });

  it('has its centre of mass in the middle of the field', () => {
    const seven = [line(0.2, 0.2, 0.7, 0.2), line(0.7, 0.2, 0.4, 0.9)];
    const { x, y } = centre(pixels(seven)!);
    expect(Math.abs(x - 14)).toBeLessThan(0.3);
    expect(Math.abs(y - 14)).toBeLessThan(0.3);
  });

  it('does not depend on where on the pad it was drawn', () => {
    const first = pixels([line(0.1, 0.1, 0.3, 0.5)])!;
    const second = pixels([line(0.6, 0.4, 0.8, 0.8)])!;
    expect(Math.max(...first.map((value, at) => Math.abs(value - second[at]!)))).toBeLessThanOrEqual(1);
  });

  it('keeps a dot small', () => {
    const { width, height } = extent(pixels([[{ x: 0.5, y: 0.5 }]])!);
    expect(Math.max(width, height)).toBeLessThanOrEqual(4);
  });

  it('has soft edges', () => {
    const image = pixels([line(0.2, 0.1, 0.8, 0.9)])!;
    expect(image.some((value) => value > 20 && value < 235)).toBe(true);
    expect(Math.max(...image)).toBe(255);
  });
});

describe('the distance to a segment', () => {
  it('is measured to the nearest end beyond the ends', () => {
    expect(distance(3, 4, { x: 0, y: 0 }, { x: 0, y: 0 })).toBe(5);
    expect(distance(2, 1, { x: 0, y: 0 }, { x: 1, y: 0 })).toBeCloseTo(Math.SQRT2);
    expect(distance(0.5, 1, { x: 0, y: 0 }, { x: 1, y: 0 })).toBe(1);
  });
});

describe('base64url', () => {
  it('uses the URL alphabet without padding', () => {
    expect(base64url(Uint8Array.of(255, 239, 190, 0))).toBe('_---AA');
  });
});
