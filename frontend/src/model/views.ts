/** What a view is: found by glob, loaded when it is shown. */
import type { Component } from 'svelte';
import type { Catalog, DatasetEntry, RunSpec } from '../api/types';
import type { RunModel } from './run.svelte';

export interface ViewProps {
  run: RunModel;
  catalog: Catalog;
}

export interface View {
  id: string;
  title: () => string;
  /** Whether the view draws this kind of run; `dataset` is the catalogue's entry of the run's data set. */
  applies: (spec: RunSpec, dataset: DatasetEntry | undefined) => boolean;
  load: () => Promise<{ default: Component<ViewProps> }>;
}
