import { describe, expect, it } from 'vitest';
import { HEADER, biasBox, layout, leastHeight, linkAt, linksOf } from './geometry';

const shapes = [
  [7, 4, 2, 1],
  [7, 8, 8, 8, 8, 8, 8, 1],
  [7, 16, 1],
  [3, 1],
  [7, 40, 8, 1],
];

describe('a drawn network', () => {
  it('is drawn larger where there is room for it, and fills no more than that room', () => {
    const [small, large] = [layout([7, 4, 2, 1], 700, 374, 54), layout([7, 4, 2, 1], 1100, 700, 54)];
    expect(large.columns[0]!.tile).toBeGreaterThan(small.columns[0]!.tile);
    expect(large.height).toBe(HEADER + 700);
    expect(layout([7, 4, 2, 1], 340, 700, 44).columns[0]!.tile).toBe(36);
  });

  it.each(shapes.flatMap((units) => [340, 640].map((width) => ({ units, width }))))(
    'of $units in $width px has no tile on another',
    ({ units, width }) => {
      const drawn = layout(units, width, leastHeight(units) - HEADER - 8, 54);
      for (const column of drawn.columns) {
        column.tops.forEach((top, i) => {
          expect(top).toBeGreaterThanOrEqual(HEADER);
          expect(top + column.tile).toBeLessThanOrEqual(drawn.height);
          if (i) expect(top - column.tops[i - 1]!).toBeGreaterThan(column.tile + 4);
        });
      }
      drawn.columns.slice(1).forEach((column, i) => {
        const before = drawn.columns[i]!;
        if (!column.folded && !before.folded)
          expect(biasBox({ ...column, tops: [0] }, 0).x).toBeGreaterThan(before.x + before.tile);
      });
    },
  );

  it('has a line between every two neighbours, from the features that are read', () => {
    const drawn = layout([7, 4, 2, 1], 600, 360, 54);
    expect(linksOf(drawn, [0, 1])).toHaveLength(2 * 4 + 4 * 2 + 2);
  });

  it('finds the line under the pointer and none far from all', () => {
    const links = linksOf(layout([2, 3, 1], 600, 360, 54), [0, 1]);
    for (const link of links) {
      const found = linkAt(links, link.x0 + 12, link.y0, 9);
      expect([found?.column, found?.from]).toEqual([link.column, link.from]);
    }
    expect(linkAt(links, 5, 5, 9)).toBeNull();
  });
});
