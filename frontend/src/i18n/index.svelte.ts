/** The language of the page. Every sentence lives in a catalogue: one file per language, or one per view. */
import { en } from './en';
import { fr } from './fr';

export const LANGUAGES = { en: 'English', fr: 'Français' } as const;
export type Language = keyof typeof LANGUAGES;
export type Messages = Record<string, string>;
type Variables = Record<string, string | number>;

function preferred(): Language {
  const stored = globalThis.localStorage?.getItem('language');
  const wanted = stored ?? globalThis.navigator?.language.slice(0, 2) ?? 'en';
  return wanted in LANGUAGES ? (wanted as Language) : 'en';
}

class I18n {
  language = $state<Language>(preferred());

  set(language: Language): void {
    this.language = language;
    document.documentElement.lang = language;
    localStorage.setItem('language', language);
  }
}

export const i18n = new I18n();

export function fill(message: string, variables: Variables): string {
  return message.replace(/\{(\w+)\}/g, (_, name: string) => String(variables[name] ?? ''));
}

/** A `t` over a catalogue: `translator({ en, fr })`; keys are checked by TypeScript. */
export function translator<M extends Messages>(
  catalogue: Record<Language, Record<keyof M & string, string>> & { en: M },
) {
  return (key: keyof M & string, variables: Variables = {}): string => fill(catalogue[i18n.language][key], variables);
}

export const t = translator({ en, fr });
export type Key = keyof typeof en;

/** A title from the server, in the page's language where the catalogue has one for it. */
export function named(kind: string, id: string, title: string): string {
  const catalogue: Messages = i18n.language === 'fr' ? fr : en;
  return catalogue[`${kind}.${id}`] ?? title;
}
