import { describe, expect, it } from 'vitest';
import { brief, percent } from './text';

describe('a number in the image view', () => {
  it.each([
    [0, '0'],
    [0.0031, '0.0031'],
    [-0.42, '-0.42'],
    [12.34, '12.3'],
    [123.4, '123'],
    [4567, '4.6e+3'],
    [NaN, '–'],
  ])('%d is written %s', (value, text) => expect(brief(value)).toBe(text));

  it('is a share without useless decimals', () => {
    expect([percent(1), percent(0.983), percent(0), percent(NaN)]).toEqual(['100', '98.3', '0', '–']);
  });
});
