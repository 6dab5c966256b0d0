/** Rules of the house that can be read off the files. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from './i18n/en';
import { fr } from './i18n/fr';

const ROOT = import.meta.dirname;
const files = readdirSync(ROOT, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|svelte|css)$/.test(entry.name))
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
  .filter((path) => !/\.(test|gen)\.ts$/.test(path));
const text = new Map(files.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));

function offenders(pattern: RegExp, allowed: RegExp): string[] {
  return files.filter((path) => !allowed.test(path) && pattern.test(text.get(path)!));
}

describe('the house', () => {
  it('has timers, animation frames and sockets in stream/ alone', () => {
    expect(offenders(/\b(requestAnimationFrame|setTimeout|setInterval)\(|new WebSocket/, /^stream\//)).toEqual([]);
  });

  it('has colours in the tokens and the palette alone', () => {
    expect(
      offenders(/#[0-9a-f]{3,8}\b(?!['"]?\])|\brgba?\(\s*\d|\bhsla?\(/i, /^(styles\/tokens\.css|draw\/palette\.ts)$/),
    ).toEqual([]);
  });

  it('keeps frame data out of component state', () => {
    expect(offenders(/\$state[^\n]*(Float32Array|Frame\b|Picture\b|Block\b)/, /^$/)).toEqual([]);
  });

  it('writes no sentence into a component', () => {
    const bare =
      />\s*[A-Z][a-zà-ÿ]+(\s+[a-zà-ÿ]+)*\s*<|(aria-label|title|label|placeholder)="[A-Za-z][^"{]*[a-z]{2}[^"{]*"/;
    const found = files
      .filter((path) => path.endsWith('.svelte'))
      .filter((path) => {
        const markup = text.get(path)!.replace(/<(script|style|kbd)[\s\S]*?<\/\1>/g, '');
        return bare.test(markup);
      });
    expect(found).toEqual([]);
  });

  it('has files of at most 400 lines', () => {
    expect(files.filter((path) => text.get(path)!.split('\n').length > 400)).toEqual([]);
  });
});

const catalogues = import.meta.glob<{ en: Record<string, string>; fr: Record<string, string> }>(
  ['./views/*/i18n.ts', './i18n/image.ts', './i18n/dialogs.ts'],
  { eager: true },
);
const all = [['./i18n', { en, fr }] as const, ...Object.entries(catalogues).filter(([, module]) => module.en)];

describe('the languages', () => {
  it.each(all)('of %s say the same things, with the same variables', (_, catalogue) => {
    const variables = (sentence: string) => (sentence.match(/\{\w+\}/g) ?? []).sort();
    const english: Record<string, string> = catalogue.en;
    const french: Record<string, string> = catalogue.fr;
    for (const [key, sentence] of Object.entries(english)) {
      expect(french[key], key).toBeTruthy();
      expect(variables(french[key]!), key).toEqual(variables(sentence));
    }
  });
});
