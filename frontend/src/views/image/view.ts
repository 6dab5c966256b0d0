/** Networks on images and on tables: whatever is not drawn over the plane. */
import { ti } from '../../i18n/image';
import type { View } from '../../model/views';

export default {
  id: 'image',
  title: () => ti('network'),
  applies: (_spec, dataset) => dataset !== undefined && dataset.input !== 'plane',
  load: () => import('./ImageView.svelte'),
} satisfies View;
