/** The language: the browser's, until somebody chooses. */

import { createContext, useContext } from 'react';
import { en, type Texts } from './en';
import { es } from './es';

export const LANGUAGES = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;

const NAME = 'spectraview.language';
const DICTIONARIES: Record<Language, Texts> = { en, es };

export function chosenLanguage(): Language {
  const wanted = [localStorage.getItem(NAME), ...navigator.languages];
  for (const tag of wanted) {
    const language = tag?.slice(0, 2).toLowerCase();
    if (language === 'en' || language === 'es') return language;
  }
  return 'en';
}

export function keepLanguage(language: Language): void {
  localStorage.setItem(NAME, language);
}

export function textsOf(language: Language): Texts {
  return DICTIONARIES[language];
}

export const TextsContext = createContext<Texts>(en);

export function useTexts(): Texts {
  return useContext(TextsContext);
}
