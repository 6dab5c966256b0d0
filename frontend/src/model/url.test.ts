import { expect, it } from 'vitest';
import { spec } from './example';
import { packSpec, readPlace, unpackSpec, writePlace } from './url';

it('a spec comes back from an address as it was', async () => {
  const hash = writePlace({ run: 'run_1', spec: await packSpec(spec) });
  const place = readPlace(hash);
  expect(place.run).toBe('run_1');
  expect(await unpackSpec(place.spec!)).toEqual(spec);
  expect(hash.length).toBeLessThan(1200);
});

it('a broken address is no spec rather than an error', async () => {
  expect(await unpackSpec('no%spec')).toBeNull();
});
