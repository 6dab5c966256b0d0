/** Every dialog by its id: its title for the menu, and how it is loaded when it is opened. */
import type { Component } from 'svelte';
import { dialogTitle } from '../i18n/dialog-titles';

export const DIALOGS = ['csv', 'project', 'export', 'share', 'runs', 'about'] as const;
export type DialogId = (typeof DIALOGS)[number];

export interface DialogProps {
  close: () => void;
}

type Load = () => Promise<{ default: Component<DialogProps> }>;

/** A dialog that never closes itself needs no properties. */
const plain = (load: () => Promise<{ default: Component }>): Load => load as unknown as Load;

export const dialogs: Record<DialogId, Load> = {
  csv: () => import('./CsvDialog.svelte'),
  project: () => import('./ProjectDialog.svelte'),
  export: plain(() => import('./ExportDialog.svelte')),
  share: plain(() => import('./ShareDialog.svelte')),
  runs: () => import('./RunsDialog.svelte'),
  about: plain(() => import('./AboutDialog.svelte')),
};

export const titles: Record<DialogId, () => string> = {
  csv: () => dialogTitle('csv'),
  project: () => dialogTitle('project'),
  export: () => dialogTitle('export'),
  share: () => dialogTitle('share'),
  runs: () => dialogTitle('runs'),
  about: () => dialogTitle('about'),
};
