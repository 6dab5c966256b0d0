import type { en } from './en';

/** French. */
export const fr: Record<keyof typeof en, string> = {
  'app.title': 'Autodiff Playground',
};
