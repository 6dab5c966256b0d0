import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { i18n } from './i18n/index.svelte';
import { session } from './model/session.svelte';
import { hub } from './stream/hub';
import './styles/tokens.css';

document.documentElement.lang = i18n.language;
mount(App, { target: document.getElementById('app')! });
void session.start();
Object.assign(globalThis, { playground: { hub, session } });
