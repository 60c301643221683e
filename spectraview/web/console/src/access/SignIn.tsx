/** The form that asks for a key. */

import { type FormEvent, useState } from 'react';
import { useTexts } from '../i18n/texts';
import { Logo } from '../ui/icons';
import { type KeyVerdict, keepKey, tryKey } from './credentials';

export function SignIn({ onKey }: { onKey: (key: string) => void }) {
  const texts = useTexts().signIn;
  const [key, setKey] = useState('');
  const [remember, setRemember] = useState(false);
  const [verdict, setVerdict] = useState<KeyVerdict | 'checking' | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setVerdict('checking');
    const found = await tryKey(key.trim());
    if (found !== 'good') return setVerdict(found);
    keepKey(key.trim(), remember);
    onKey(key.trim());
  };

  const fault =
    verdict && verdict !== 'checking' && verdict !== 'good' ? texts.faults[verdict] : '';
  return (
    <form className="sign-in" onSubmit={submit}>
      <Logo />
      <h1>{texts.title}</h1>
      <p className="muted">{texts.lead}</p>
      <label htmlFor="key">{texts.key}</label>
      <input
        id="key"
        type="password"
        autoComplete="current-password"
        required
        value={key}
        aria-describedby="key-help key-fault"
        aria-invalid={fault !== ''}
        onChange={(event) => setKey(event.target.value)}
      />
      <p id="key-help" className="muted small">
        {texts.help}
      </p>
      <label className="check">
        <input
          type="checkbox"
          checked={remember}
          onChange={(event) => setRemember(event.target.checked)}
        />
        {texts.remember}
      </label>
      <p id="key-fault" className="fault" role="alert">
        {fault}
      </p>
      <button type="submit" className="primary" disabled={verdict === 'checking'}>
        {verdict === 'checking' ? texts.checking : texts.submit}
      </button>
    </form>
  );
}
