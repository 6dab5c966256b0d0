import { expect, it } from 'vitest';
import { pauseBefore } from './socket';

it('waits longer after each failure, at most five seconds, never the same for everybody', () => {
  expect(pauseBefore(0, 0)).toBe(125);
  expect(pauseBefore(3, 0.99)).toBeGreaterThan(pauseBefore(0, 0.99));
  expect(pauseBefore(40, 0.99)).toBeLessThanOrEqual(5000);
  expect(pauseBefore(4, 0.1)).not.toBe(pauseBefore(4, 0.9));
});
