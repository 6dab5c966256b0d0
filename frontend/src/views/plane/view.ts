/** Networks over the plane: every neuron is a map of it. */
import type { View } from '../../model/views';
import { t } from './text';

export default {
  id: 'plane',
  title: () => t('title'),
  applies: (_spec, dataset) => dataset?.plane ?? true,
  load: () => import('./PlaneView.svelte'),
} satisfies View;
