import { describe, expect, it } from 'vitest';
import type { RunSpec } from '../api/types';
import { cellsOf, csvSpec, inputsOf, sampleTable, usualTask, type Upload } from './csv-spec';

const upload: Upload = {
  id: 'u1',
  name: 'pets',
  rows: 3,
  columns: [
    { name: 'height', kind: 'number', distinct: 30 },
    { name: 'colour', kind: 'category', distinct: 4 },
    { name: 'species', kind: 'category', distinct: 3 },
  ],
  suggested_target: 'species',
  sample: [[1, 'red', 'cat']],
};
const defaults = { version: 1, seeds: { data: 0, weights: 0, batches: 0 } } as unknown as RunSpec;

describe('a run on a table', () => {
  it('has an input for each number and for each text of a category', () => {
    expect(inputsOf(upload.columns.slice(0, 2))).toBe(5);
  });

  it('has an output for each class, and cross-entropy', () => {
    const spec = csvSpec(defaults, upload, {
      target: 'species',
      features: ['height', 'colour'],
      task: 'classification',
    });
    expect(spec.graph.inputs[0]?.shape).toEqual([5]);
    expect(spec.graph.nodes.at(-1)?.params).toEqual({ out_features: 3 });
    expect(spec.loss.kind).toBe('CrossEntropyLoss');
    expect(spec.data.params).toMatchObject({ file: 'u1', target: 'species', columns: ['height', 'colour'] });
  });

  it('has one output for a number', () => {
    const spec = csvSpec(defaults, upload, { target: 'height', features: ['colour'], task: 'regression' });
    expect(spec.graph.nodes.at(-1)?.params).toEqual({ out_features: 1 });
    expect(spec.loss.kind).toBe('MSELoss');
  });

  it('takes texts and few numbers as classes, many numbers as numbers', () => {
    expect(upload.columns.map(usualTask)).toEqual(['regression', 'classification', 'classification']);
    expect(usualTask({ name: 'grade', kind: 'number', distinct: 5 })).toBe('classification');
  });

  it('shows a row whether it comes as a list or as a record', () => {
    expect(cellsOf([1, null, 'cat'], upload.columns)).toEqual(['1', '', 'cat']);
    expect(cellsOf({ species: 'dog', height: 2 }, upload.columns)).toEqual(['2', '', 'dog']);
  });

  it('can begin with a sample of three kinds', () => {
    const rows = sampleTable().trim().split('\n');
    expect(rows).toHaveLength(91);
    expect(new Set(rows.slice(1).map((row) => row.split(',')[2])).size).toBe(3);
  });
});
