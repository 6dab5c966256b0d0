/** Titles of the dialogs: needed by the menu before any dialog is loaded. */
import { translator } from './index.svelte';

export const en = {
  csv: 'Your own data',
  project: 'Save or open',
  export: 'Export',
  share: 'Share',
  runs: 'Runs',
  about: 'About',
  close: 'Close',
  loading: 'Loading',
};
export const fr: Record<keyof typeof en, string> = {
  csv: 'Vos données',
  project: 'Enregistrer ou ouvrir',
  export: 'Exporter',
  share: 'Partager',
  runs: 'Sessions',
  about: 'À propos',
  close: 'Fermer',
  loading: 'Chargement',
};

export const dialogTitle = translator({ en, fr });
