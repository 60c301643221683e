import { createRoot } from 'react-dom/client';
import { App } from './app';
import './styles/colors.css';
import './styles/base.css';
import './styles/sign-in.css';
import './styles/list.css';
import './styles/list-narrow.css';
import './styles/session.css';
import './styles/player.css';
import './styles/controls.css';
import './styles/panels.css';
import { applyTheme, chosenTheme } from './ui/theme';

applyTheme(chosenTheme());
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
