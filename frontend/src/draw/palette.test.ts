import { describe, expect, it } from 'vitest';
import { classColour, divergingTable, inks, rgb } from './palette';

const luminance = (hex: string) => {
  const [r, g, b] = rgb(hex).map((part) => (part / 255) ** 2.2);
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
};

describe.each([false, true])('colours with dark = %s', (dark) => {
  it('are orange below zero and blue above', () => {
    const table = divergingTable(dark);
    const [low, high] = [table[20]!, table[235]!];
    expect(low & 255).toBeGreaterThan((low >> 16) & 255);
    expect((high >> 16) & 255).toBeGreaterThan(high & 255);
  });

  it('are nearly as bright at minus one as at plus one', () => {
    const { diverging } = inks(dark);
    const ratio = luminance(diverging[0]!) / luminance(diverging.at(-1)!);
    expect(ratio).toBeGreaterThan(0.4);
    expect(ratio).toBeLessThan(2.6);
  });

  it('differ for the first eight classes', () => {
    expect(new Set(Array.from({ length: 8 }, (_, i) => classColour(dark, i))).size).toBe(8);
  });
});
