import { expect, it } from 'vitest';
import { Series } from './series';

it('a metric that appears late has holes before it, one that stops has holes after', () => {
  const series = new Series();
  series.push(0, 0, { train_loss: 1 });
  series.push(10, 1, { test_loss: 2, train_loss: null });
  expect(series.column('train_loss')).toEqual([1, NaN]);
  expect(series.column('test_loss')).toEqual([NaN, 2]);
});

it('a step between two rows lies between their epochs', () => {
  const series = new Series();
  expect(series.epochAt(5)).toBe(0);
  series.push(0, 0, {});
  series.push(20, 2, {});
  expect(series.epochAt(5)).toBe(0.5);
  expect(series.epochAt(90)).toBe(2);
});
