/** The whole console: who may see what, and which page is shown. */

import { useEffect, useMemo, useState } from 'react';
import { forgetKey, rememberedKey } from './access/credentials';
import { SignIn } from './access/SignIn';
import { ApiClient } from './api/client';
import { chosenLanguage, keepLanguage, type Language, TextsContext, textsOf } from './i18n/texts';
import { SessionList } from './list/SessionList';
import { SessionPage } from './session/SessionPage';
import { Icon, Logo } from './ui/icons';
import { routeOf, useHash } from './ui/route';
import { Settings } from './ui/Settings';

export function App() {
  const [language, setLanguage] = useState<Language>(chosenLanguage);
  const [key, setKey] = useState(rememberedKey);
  const hash = useHash();
  const route = useMemo(() => routeOf(hash), [hash]);
  const token = route.page === 'session' ? route.token : null;
  const client = useMemo(() => clientOf(token, key), [token, key]);
  const texts = textsOf(language);

  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);

  const choose = (chosen: Language) => {
    keepLanguage(chosen);
    setLanguage(chosen);
  };
  const signOut = () => {
    forgetKey();
    setKey(null);
  };
  return (
    <TextsContext value={texts}>
      <button type="button" className="skip" onClick={focusContent}>
        {texts.skipToContent}
      </button>
      <header className="top">
        <a className="brand" href="#/">
          <Logo /> {texts.product}
        </a>
        <Settings language={language} onLanguage={choose} />
        {client && !token && (
          <button type="button" className="quiet" title={texts.signOut} onClick={signOut}>
            <Icon name="signOut" />
            <span className="hidden">{texts.signOut}</span>
          </button>
        )}
      </header>
      {!client && (
        <main id="content" tabIndex={-1}>
          <SignIn onKey={setKey} />
        </main>
      )}
      {client && route.page === 'list' && <SessionList client={client} query={route.query} />}
      {client && route.page === 'session' && (
        <SessionPage
          key={`${route.sessionId} ${route.offset}`}
          client={client}
          sessionId={route.sessionId}
          offset={route.offset}
        />
      )}
    </TextsContext>
  );
}

function clientOf(token: string | null, key: string | null): ApiClient | null {
  if (token) return new ApiClient({ kind: 'token', token });
  return key ? new ApiClient({ kind: 'key', key }) : null;
}

/** No link: the address holds the route, which a link to a place in the page would change. */
function focusContent(): void {
  const content = document.getElementById('content');
  content?.setAttribute('tabindex', '-1');
  content?.focus();
}
