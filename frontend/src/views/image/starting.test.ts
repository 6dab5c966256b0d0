import { describe, expect, it } from 'vitest';
import { starting } from './starting';

describe('a new layer', () => {
  it('begins with a usual value for every setting that has no default, and with no other', () => {
    const schema = {
      required: ['size', 'width', 'mode'],
      properties: {
        size: { anyOf: [{ type: 'integer', minimum: 1, maximum: 64, 'x-common': [1, 9] }, { type: 'array' }] },
        width: { type: 'integer', minimum: 1, maximum: 4096 },
        mode: { enum: ['a', 'b'] },
        bias: { type: 'boolean', default: true },
      },
    };
    expect(starting(schema)).toEqual({ size: 3, width: 1, mode: 'a' });
  });
});
