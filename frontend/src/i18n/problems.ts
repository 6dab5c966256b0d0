/**
 * What the server says of problems, in the page's language. The server writes English; other languages are made here
 * from a problem's code and facts. What has no words here is said as the server says it, and marked as English.
 */
import { fill, i18n, t, type Language } from './index.svelte';

/** The facts of a problem that a sentence is made of. */
export interface Facts {
  readonly code: string;
  readonly message: string;
  readonly node?: string | null | undefined;
  readonly field?: string | null | undefined;
  readonly expected?: string | null | undefined;
  readonly got?: string | null | undefined;
  readonly hint?: string | null | undefined;
}

/** A piece of a sentence; `foreign` pieces are English on a page that is not. */
export interface Piece {
  readonly text: string;
  readonly foreign: boolean;
}

interface Words {
  readonly sentences: Readonly<Record<string, string>>;
  /** Expectations that are words, not numbers. */
  readonly facts: Readonly<Record<string, string>>;
  readonly hints: Readonly<Record<string, string>>;
  readonly expected: string;
  readonly got: string;
}

const fr: Words = {
  sentences: {
    argument: '{place} ne convient pas.',
    bad_setting: 'Un réglage de {place} ne convient pas.',
    bad_topic: 'Cette image ne peut pas être demandée.',
    cannot_save: 'La session n’a pas pu être enregistrée.',
    cannot_write: 'La session n’a pas pu être enregistrée.',
    cycle: 'Les liens tournent en rond : {place} dépend de sa propre sortie.',
    dangling: 'Rien n’utilise la sortie de {place}.',
    data: 'Les données ne peuvent pas être lues.',
    duplicate_id: 'Plusieurs couches portent le nom {place}.',
    empty: 'La demande est vide.',
    ended: 'Cette session est terminée.',
    failed: 'Cette session a échoué avant de commencer.',
    finite_number: '{place} doit être un nombre fini.',
    greater_than: '{place} est trop petit.',
    greater_than_equal: '{place} est trop petit.',
    internal_error: 'Le moteur s’est trompé ; le journal du serveur dit où.',
    less_than: '{place} est trop grand.',
    less_than_equal: '{place} est trop grand.',
    misfit: '{place} ne convient pas au reste.',
    missing: '{place} manque.',
    missing_input: 'Rien n’arrive dans {place}.',
    no_output: 'Le réseau n’a pas de sortie.',
    non_finite: 'Les nombres de {place} sont devenus infinis ou indéfinis.',
    not_changeable: '{place} ne peut pas changer pendant l’entraînement.',
    not_finite: '{place} doit être un nombre fini.',
    not_found: 'Introuvable.',
    out_of_memory: 'La session a besoin de plus de mémoire qu’il n’y en a.',
    reserved_id: 'Le nom {place} est réservé.',
    shape: 'Les formes ne vont pas ensemble dans {place}.',
    shape_misfit: 'Les formes ne vont pas ensemble dans {place}.',
    too_deep: 'Trop de niveaux.',
    too_large: '{place} serait trop grand.',
    too_many_inputs: 'Trop de liens arrivent dans {place}.',
    unknown_device: 'Cet appareil est inconnu.',
    unknown_field: 'Le réglage {place} est inconnu.',
    unknown_kind: 'Ce type est inconnu.',
    unknown_node: '{place} lit une couche qui n’existe pas.',
    unknown_path: '{place} n’existe pas dans cette session.',
    unknown_port: '{place} lit une sortie qui n’existe pas.',
    wrong_type: '{place} n’a pas le bon type.',
  },
  facts: {
    'a finite loss': 'une perte finie',
    'a finite number': 'un nombre fini',
    'a value': 'une valeur',
    'a wire': 'un lien',
    'another name': 'un autre nom',
    'another shape': 'une autre forme',
    'finite gradients': 'des gradients finis',
    'finite outputs': 'des sorties finies',
    'infinity or NaN': 'infini ou NaN',
    more: 'plus',
    none: 'aucun',
    nothing: 'rien',
    'one input': 'une entrée',
    'one node': 'une couche',
  },
  hints: {
    'Draw a wire to it, or delete it.': 'Tirez un lien vers elle, ou supprimez-la.',
    'Free some disk space.': 'Libérez de la place sur le disque.',
    'Free some disk space, then try again.': 'Libérez de la place sur le disque, puis réessayez.',
    'Join them first with Add or Concatenate.': 'Réunissez-les d’abord par Add ou Concatenate.',
    'Make it smaller.': 'Réduisez-le.',
    'Make the batch smaller.': 'Réduisez la taille des lots.',
    'Mend its spec, then start it anew.': 'Corrigez-la, puis relancez-la.',
  },
  expected: 'Attendu :',
  got: '; reçu :',
};

const LANGUAGES: Partial<Record<Language, Words>> = { fr };

const said = (text: string): Piece => ({ text, foreign: false });

function translated(text: string, words: Readonly<Record<string, string>>): Piece {
  const known = words[text];
  // Numbers, shapes and names are the same in every language.
  return { text: known ?? text, foreign: known === undefined && /[a-z]{3,} [a-z]/i.test(text) };
}

function facts({ expected, got }: Facts, words: Words): Piece[] {
  if (!expected || !got) return [];
  const came = translated(got, words.facts);
  const end = { ...came, text: `${came.text}.` };
  return [said(words.expected), translated(expected, words.facts), said(words.got), end];
}

/** A problem as the pieces of one text: what is wrong, what was expected and came, how to mend it. */
export function piecesOf(problem: Facts, language: Language = i18n.language): Piece[] {
  const words = LANGUAGES[language];
  const { message, hint } = problem;
  const plain = [message, ...(hint ? [hint] : [])];
  if (!words) return plain.map(said);
  const sentence = words.sentences[problem.code];
  const place = problem.node ?? problem.field ?? '';
  if (!sentence || (sentence.includes('{place}') && !place)) return plain.map((text) => ({ text, foreign: true }));
  const quoted = place ? `« ${place} »` : '';
  const main = [said(fill(sentence, { place: quoted })), ...facts(problem, words)];
  return hint ? [...main, translated(hint, words.hints)] : main;
}

/** What a person did and sees anyway, or what the problem beside it says. */
const SILENT = ['pause', 'step', 'reset', 'edit', 'stop', 'non_finite', 'out_of_memory'];

/** Why a run is in its state, where that needs words: a sentence of the page, one of the server as it is, or null. */
export function reasonOf(reason: string | null): Piece | null {
  if (!reason || SILENT.includes(reason)) return null;
  if (reason === 'until') return said(t('run.until'));
  return { text: reason, foreign: i18n.language !== 'en' };
}
