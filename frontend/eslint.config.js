import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

/** An import goes down the floors, never up and never sideways. Each floor lists the floors above it and beside it. */
const FORBIDDEN = {
  lib: ['api', 'stream', 'model', 'actions', 'draw', 'ui', 'views', 'dialogs', 'i18n'],
  i18n: ['api', 'stream', 'model', 'actions', 'draw', 'ui', 'views', 'dialogs'],
  api: ['stream', 'model', 'actions', 'draw', 'ui', 'views', 'dialogs'],
  stream: ['api', 'model', 'actions', 'draw', 'ui', 'views', 'dialogs'],
  model: ['actions', 'draw', 'ui', 'views', 'dialogs'],
  actions: ['draw', 'ui', 'views', 'dialogs'],
  draw: ['api', 'stream', 'model', 'actions', 'ui', 'views', 'dialogs'],
  ui: ['actions', 'views', 'dialogs'],
};

/** What the server generates is the ground that every floor stands on. */
const GENERATED = '!**/api/*.gen';

const floors = Object.entries(FORBIDDEN).map(([floor, above]) => ({
  files: [`src/${floor}/**`],
  rules: {
    'no-restricted-imports': ['error', { patterns: [...above.map((name) => `**/${name}/**`), GENERATED] }],
  },
}));

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/api/*.gen.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser, ...globals.node } } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-undef': 'off',
      'svelte/no-at-html-tags': 'error',
      'svelte/prefer-svelte-reactivity': 'off',
      'no-restricted-globals': ['error', 'requestAnimationFrame', 'setTimeout', 'setInterval', 'WebSocket'],
    },
  },
  { files: ['src/stream/**'], rules: { 'no-restricted-globals': 'off' } },
  ...floors,
);
