import { describe, expect, it } from 'vitest';
import { piecesOf } from './problems';

const text = (...parameters: Parameters<typeof piecesOf>) =>
  piecesOf(...parameters)
    .map((piece) => piece.text)
    .join(' ');

const misfit = {
  code: 'shape_misfit',
  message: 'The data "circle" gives examples of shape [2], but the input "x" takes [3].',
  node: 'x',
  field: 'shape',
  expected: '[2]',
  got: '[3]',
  hint: 'Set the shape of the input to [2].',
};

describe('a problem', () => {
  it('is said in English as the server says it', () => {
    expect(text(misfit, 'en')).toBe(`${misfit.message} ${misfit.hint}`);
    expect(piecesOf(misfit, 'en').some(({ foreign }) => foreign)).toBe(false);
  });

  it('is said in French by its code and facts, with a free hint marked as English', () => {
    expect(text(misfit, 'fr')).toBe(
      'Les formes ne vont pas ensemble dans « x ». Attendu : [2] ; reçu : [3]. Set the shape of the input to [2].',
    );
    expect(piecesOf(misfit, 'fr').filter(({ foreign }) => foreign)).toEqual([{ text: misfit.hint, foreign: true }]);
  });

  it('has expectations and hints that are known words in French too', () => {
    const rate = {
      code: 'not_finite',
      message: '',
      field: 'optimizer.params.lr',
      expected: 'a finite number',
      got: 'nan',
    };
    expect(text({ ...rate, hint: 'Make it smaller.' }, 'fr')).toBe(
      '« optimizer.params.lr » doit être un nombre fini. Attendu : un nombre fini ; reçu : nan. Réduisez-le.',
    );
  });

  it('of a code without words is said as the server says it, marked as English', () => {
    const odd = { code: 'never_heard_of', message: 'Something odd.' };
    expect(piecesOf(odd, 'fr')).toEqual([{ text: 'Something odd.', foreign: true }]);
  });

  it('without a place is never a sentence with a hole', () => {
    expect(text({ code: 'too_large', message: 'Too many numbers.' }, 'fr')).toBe('Too many numbers.');
  });
});
