/** Light, dark, or as the system says; remembered on this machine. */
import { hub } from '../stream/hub';

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEMES)[number];

const systemDark = globalThis.matchMedia?.('(prefers-color-scheme: dark)');
const systemCalm = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)');

function stored(): ThemeChoice {
  const choice = globalThis.localStorage?.getItem('theme') as ThemeChoice | null;
  return choice && THEMES.includes(choice) ? choice : 'system';
}

class Theme {
  choice = $state<ThemeChoice>(stored());
  private system = $state(systemDark?.matches ?? false);
  /** Whether motion should be left out. */
  calm = $state(systemCalm?.matches ?? false);
  readonly dark = $derived(this.choice === 'system' ? this.system : this.choice === 'dark');

  constructor() {
    systemDark?.addEventListener('change', (event) => {
      this.system = event.matches;
      hub.repaintAll();
    });
    systemCalm?.addEventListener('change', (event) => (this.calm = event.matches));
    this.apply();
  }

  set(choice: ThemeChoice): void {
    this.choice = choice;
    localStorage.setItem('theme', choice);
    this.apply();
  }

  private apply(): void {
    const root = globalThis.document?.documentElement;
    if (!root) return;
    if (this.choice === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = this.choice;
    hub.repaintAll();
  }
}

export const theme = new Theme();
