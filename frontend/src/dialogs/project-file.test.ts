import { describe, expect, it } from 'vitest';
import { fileName, readProject, specOf, writeProject } from './project-file';
import { readSafetensors, toBase64 } from './safetensors';

const spec = { version: 1, data: { kind: 'circle' } };

describe('a project file', () => {
  it('comes back as it was written', () => {
    const weights = { 'a.weight': { dtype: 'float32', shape: [1], data: 'AAAAAA==' } };
    const project = { title: 'Circle', spec, weights };
    expect(readProject(writeProject(project))).toEqual({ project });
    expect(specOf(project)).toMatchObject({ initial: { kind: 'arrays', arrays: weights } });
  });

  it('may be a bare run spec', () => {
    expect(readProject(JSON.stringify(spec))).toEqual({ project: { title: '', spec, weights: null } });
  });

  it.each([
    ['not json', '{"format": ', 'not_json'],
    ['a list', '[1, 2]', 'not_project'],
    ['another program', '{"format": "other"}', 'not_project'],
    ['a newer version', '{"format": "autodiff-playground", "version": 9, "spec": {}}', 'newer'],
    ['no spec', '{"format": "autodiff-playground", "version": 1}', 'no_spec'],
    [
      'weights that are no arrays',
      '{"format":"autodiff-playground","version":1,"spec":{},"weights":{"w":3}}',
      'bad_weights',
    ],
  ])('that is damaged (%s) is named by what is wrong', (_, text, code) => {
    expect(readProject(text)).toMatchObject({ damage: { code } });
  });

  it('has a name that every system takes', () => {
    expect(fileName('The decks’ CNN on MNIST', 'json')).toBe('the-decks-cnn-on-mnist.json');
    expect(fileName('…', 'json')).toBe('network.json');
  });
});

describe('a safetensors file', () => {
  const build = (header: object, data: number[]): Uint8Array => {
    const text = new TextEncoder().encode(JSON.stringify(header));
    const out = new Uint8Array(8 + text.length + data.length);
    new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
    out.set(text, 8);
    out.set(data, 8 + text.length);
    return out;
  };

  it('gives every array with its shape and bytes', () => {
    const file = build(
      { __metadata__: { a: 'b' }, w: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } },
      [0, 0, 128, 63],
    );
    expect(readSafetensors(file)).toEqual({
      w: { dtype: 'float32', shape: [1], data: toBase64(Uint8Array.of(0, 0, 128, 63)) },
    });
  });

  it('is refused when it is cut short', () => {
    expect(() => readSafetensors(build({}, []).subarray(0, 9))).toThrow(/shorter/);
  });
});
