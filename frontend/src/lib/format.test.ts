import { describe, expect, it } from 'vitest';
import { count, loss, parseNumber, percent, short, signed } from './format';
import { decades, ticks } from './scale';

describe('a typed number', () => {
  it.each([
    ['0,5', 0.5],
    ['−2', -2],
    [' 1e-3 ', 0.001],
    ['.5', 0.5],
  ])('%s is read', (text, value) => expect(parseNumber(text)).toBe(value));

  it.each(['', 'abc', '1.2.3', 'NaN', 'Infinity', '1e999'])('%s is refused', (text) => {
    expect(parseNumber(text)).toBeNull();
  });
});

it('numbers are written with a width that does not jitter', () => {
  expect(loss(0.01)).toBe('0.010');
  expect(loss(NaN)).toBe('–');
  expect(percent(1)).toBe('100.0 %');
  expect(count(1234567)).toBe('1\u202f234\u202f567');
  expect(signed(-0.5)).toBe('−0.500');
  expect([87.4, 9_500, 412_000, 999_700, 1_250_000].map(short)).toEqual(['87', '9.5k', '412k', '1.0M', '1.3M']);
});

it('axes are cut at round numbers', () => {
  expect(ticks(0, 1, 4)).toEqual([0, 0.5, 1]);
  expect(decades(0.01, 1)).toEqual([0.01, 0.1, 1]);
});
