/** This view's sentences. */
import { translator } from '../../i18n/index.svelte';
import { en, fr } from './i18n';

export const t = translator({ en, fr });
