/** What this program is made of, for the about page. Data sets name their own licences in the catalogue. */
export interface Licensed {
  readonly name: string;
  readonly licence: string;
}

export const LICENCES: readonly Licensed[] = [
  { name: 'FastAPI', licence: 'MIT' },
  { name: 'httpx', licence: 'BSD-3-Clause' },
  { name: 'Inter', licence: 'SIL Open Font License 1.1' },
  { name: 'JetBrains Mono', licence: 'SIL Open Font License 1.1' },
  { name: 'llvmlite', licence: 'BSD-2-Clause, with LLVM: Apache-2.0 WITH LLVM-exception' },
  { name: 'NumPy', licence: 'BSD-3-Clause' },
  { name: 'psutil', licence: 'BSD-3-Clause' },
  { name: 'Pydantic', licence: 'MIT' },
  { name: 'pydantic-settings', licence: 'MIT' },
  { name: 'Rich', licence: 'MIT' },
  { name: 'safetensors', licence: 'Apache-2.0' },
  { name: 'SciPy', licence: 'BSD-3-Clause' },
  { name: 'SQLAlchemy', licence: 'MIT' },
  { name: 'Starlette', licence: 'BSD-3-Clause' },
  { name: 'Svelte', licence: 'MIT' },
  { name: 'Typer', licence: 'MIT' },
  { name: 'Uvicorn', licence: 'BSD-3-Clause' },
  { name: 'uvloop', licence: 'MIT and Apache-2.0' },
  { name: 'websockets', licence: 'BSD-3-Clause' },
];
