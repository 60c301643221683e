/** The language and theme switches. */

import { useState } from 'react';
import { LANGUAGES, type Language, useTexts } from '../i18n/texts';
import { applyTheme, chosenTheme, THEMES, type Theme } from './theme';

interface Props {
  language: Language;
  onLanguage: (language: Language) => void;
}

export function Settings({ language, onLanguage }: Props) {
  const texts = useTexts();
  const [theme, setTheme] = useState(chosenTheme);
  const choose = (chosen: Theme) => {
    applyTheme(chosen);
    setTheme(chosen);
  };
  return (
    <div className="settings">
      <select
        aria-label={texts.language}
        value={language}
        onChange={(event) => onLanguage(event.target.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label={texts.theme}
        value={theme}
        onChange={(event) => choose(event.target.value as Theme)}
      >
        {THEMES.map((name) => (
          <option key={name} value={name}>
            {texts.themes[name]}
          </option>
        ))}
      </select>
    </div>
  );
}
