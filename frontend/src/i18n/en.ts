/** English, the catalogue that the others follow key by key. */
export const en = {
  'app.title': 'Autodiff Playground',
};
